"""Every setting of the application, read once from the environment.

| Variable | Meaning | Default |
| --- | --- | --- |
| DATABASE_URL | SQLAlchemy address of the database | SQLite file in the instance folder |
| QUEUE_URL | `sqlite:///file`, `redis://…` or `postgresql://…` for background work | SQLite file of its own |
| STORAGE_URL | encrypted images: `file:///…` or `s3://bucket/prefix?endpoint=https://…&region=…` | a folder `images` |
| AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY | for the bucket; its client reads these and other AWS_… itself | none |
| INSTANCE_DIR | where the defaults above and the generated keys live | `instance` beside app.py |
| SECRET_KEY | signs sessions and links; at least 32 characters | made once, kept in the instance folder |
| IMAGE_KEYS | `id:base64,…` AES-256 keys of the image store; the first one encrypts | made once, kept there |
| AUDIT_KEY | authenticates the chain of the audit trail; at least 32 characters | made once, kept there |
| MODEL_BUNDLE | folder of the model bundle | the shipped bundle |
| TOTP_SECRETS | `number:secret,…` for the second factors; the highest number encrypts | made once, kept there |
| HTTPS | `1`: cookies only over TLS, HSTS sent; `0` for plain http on one machine | `1` |
| TRUSTED_HOSTS | names under which the application is reached, `triage.example.org,…`; any other is refused | any |
| TRUSTED_PROXIES | reverse proxies in front whose X-Forwarded-For and -Proto count | 0 |
| SECOND_FACTOR | `1`: dermatologists and administrators must have one; `0`: nobody must | `1` |
| IDLE_MINUTES | signed out after so long without doing anything | 15 |
| SESSION_HOURS | signed out so long after signing in, whatever is done | 12 |
| TIMEZONE | IANA zone in which pages show times | `UTC` |
| MAX_IMAGES_PER_CASE | dermoscopic images in one case | 6 |
| MAX_IMAGE_MEGABYTES | size of one uploaded file | 25 |
| MAX_IMAGE_MEGAPIXELS | pixels of one uploaded image | 50 |
| ANALYSIS_LEASE_SECONDS | how long a worker may stay silent before its analysis is given to another | 15 |
| ANALYSIS_TIMEOUT_SECONDS | how long one analysis may take | 60 |
| ANALYSIS_ATTEMPTS | tries before a case is put on top as "needs a person" | 3 |
| ANALYSIS_BATCH | images that a worker takes at once when several wait | 2 |
| WORKER_PROCESSES | analyses done at the same time by one worker command | 1 |
| CLAIM_MINUTES | how long an opened case is reserved for its reader | 20 |
| TARGET_DAYS_URGENT | days within which an urgent case should be read | 2 |
| TARGET_DAYS_SOON | the same for “soon” | 7 |
| TARGET_DAYS_ROUTINE | the same for routine cases | 14 |
| UNDO_MINUTES | how long a reader may take a decision back, unless the GP has read it | 5 |
| INVITATION_DAYS | how long an invitation link works | 7 |
| MAIL_URL | `smtp://user:password@host:587` or `smtps://…`: invitations are mailed, too | none: given by hand |
| MAIL_FROM | the sender of these mails | none |
| RETENTION_YEARS | `apply-retention` erases cases that were answered longer ago | none: kept for ever |
| LOG_FORMAT | `json`: one object a line; `text` to be read by people | `json`; `text` for `python app.py` |
| LOG_LEVEL | `debug`, `info`, `warning` or `error` | `info`; `warning` for `python app.py` |
| METRICS_TOKEN | 16 characters or more: `/metrics` shows figures to whoever sends it as bearer token | no figures |
| METRICS_BIND | `host:port` where the worker shows its figures, to the same token | none |
| WEB_CONCURRENCY | web server processes; read by gunicorn.conf.py | 2 |
| WEB_THREADS | requests that one of them answers at the same time, at most four of them with images; likewise | 8 |
| WEB_BIND | `host:port` or `unix:/path` of the web server; likewise | `127.0.0.1:8000` |
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from webapp.core import environment, keys
from webapp.core.environment import ConfigurationError as ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOG_FORMATS = ("json", "text")
LOG_LEVELS = ("info", "debug", "warning", "error")
"""The first of each is what holds where nothing is said."""


@dataclass(frozen=True)
class Settings:
    instance_dir: Path
    database_url: str
    queue_url: str
    storage_url: str
    secret_key: str = field(repr=False)
    image_keys: Mapping[str, bytes] = field(repr=False)
    totp_secrets: Mapping[str, str] = field(repr=False)
    audit_key: bytes = field(repr=False)
    model_bundle: Path | None = None
    https: bool = True
    trusted_hosts: tuple[str, ...] = ()
    trusted_proxies: int = 0
    second_factor: bool = True
    idle_minutes: float = 15
    session_hours: float = 12
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    max_images_per_case: int = 6
    max_image_megabytes: int = 25
    max_image_megapixels: int = 50
    analysis_lease_seconds: float = 15.0
    analysis_timeout_seconds: float = 60.0
    analysis_attempts: int = 3
    analysis_batch: int = 2
    worker_processes: int = 1
    claim_minutes: int = 20
    target_days_urgent: int = 2
    target_days_soon: int = 7
    target_days_routine: int = 14
    undo_minutes: int = 5
    invitation_days: int = 7
    mail_url: str | None = field(default=None, repr=False)
    mail_from: str = ""
    retention_years: int | None = None
    log_format: str = "json"
    log_level: str = "info"
    metrics_token: str = field(default="", repr=False)
    metrics_bind: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables of the table above. Raises ConfigurationError."""
        instance_dir = Path(environ.get("INSTANCE_DIR") or PROJECT_ROOT / "instance").resolve()
        instance_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        bundle = environ.get("MODEL_BUNDLE")
        return cls(
            instance_dir=instance_dir,
            database_url=environment.database_url(
                environ.get("DATABASE_URL") or f"sqlite:///{instance_dir}/dermtriage.sqlite"
            ),
            queue_url=environ.get("QUEUE_URL") or f"sqlite:///{instance_dir}/queue.sqlite",
            storage_url=environ.get("STORAGE_URL") or f"file://{instance_dir}/images",
            secret_key=keys.secret_key(environ.get("SECRET_KEY"), instance_dir),
            image_keys=keys.image_keys(environ.get("IMAGE_KEYS"), instance_dir),
            totp_secrets=keys.totp_secrets(environ.get("TOTP_SECRETS"), instance_dir),
            audit_key=keys.audit_key(environ.get("AUDIT_KEY"), instance_dir),
            model_bundle=Path(bundle) if bundle else None,
            https=environ.get("HTTPS", "1") != "0",
            trusted_hosts=tuple(filter(None, map(str.strip, environ.get("TRUSTED_HOSTS", "").split(",")))),
            second_factor=environ.get("SECOND_FACTOR", "1") != "0",
            timezone=environment.timezone(environ.get("TIMEZONE", "UTC")),
            log_format=environment.one_of(environ, "LOG_FORMAT", LOG_FORMATS),
            log_level=environment.one_of(environ, "LOG_LEVEL", LOG_LEVELS),
            **environment.mail(environ),
            **environment.metrics(environ),
            **environment.numbers(environ, _kinds_of_numbers()),
        )


def flask_config(settings: Settings) -> dict[str, object]:
    """The same in the words of Flask and its extensions."""
    request_megabytes = settings.max_images_per_case * settings.max_image_megabytes + 1
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True, "hide_parameters": True},
        "MAX_CONTENT_LENGTH": request_megabytes * 1024 * 1024,
        "TRUSTED_HOSTS": list(settings.trusted_hosts) or None,
        "SESSION_COOKIE_NAME": "__Host-dermtriage" if settings.https else "dermtriage",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_SECURE": settings.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        "WTF_CSRF_TIME_LIMIT": None,  # a token lives as long as its session: a long form must not expire
        "BOOTSTRAP_SERVE_LOCAL": True,
    }


def _kinds_of_numbers() -> dict[str, type[int] | type[float]]:
    kinds = {int: int, float: float, int | None: int}
    return {field.name: kinds[field.type] for field in fields(Settings) if field.type in kinds}  # type: ignore[index]

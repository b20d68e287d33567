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
| WEB_THREADS | requests that one of them answers at the same time; likewise | 8 |
| WEB_BIND | `host:port` or `unix:/path` of the web server; likewise | `127.0.0.1:8000` |
"""

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from webapp.accounts.settings import security_config

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LOG_FORMATS = ("json", "text")
LOG_LEVELS = ("info", "debug", "warning", "error")
"""The first of each is what holds where nothing is said."""


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


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
            database_url=_database_url(environ.get("DATABASE_URL") or f"sqlite:///{instance_dir}/dermtriage.sqlite"),
            queue_url=environ.get("QUEUE_URL") or f"sqlite:///{instance_dir}/queue.sqlite",
            storage_url=environ.get("STORAGE_URL") or f"file://{instance_dir}/images",
            secret_key=_secret_key(environ.get("SECRET_KEY"), instance_dir),
            image_keys=_image_keys(environ.get("IMAGE_KEYS"), instance_dir),
            totp_secrets=_totp_secrets(environ.get("TOTP_SECRETS"), instance_dir),
            audit_key=_audit_key(environ.get("AUDIT_KEY"), instance_dir),
            model_bundle=Path(bundle) if bundle else None,
            https=environ.get("HTTPS", "1") != "0",
            trusted_hosts=tuple(filter(None, map(str.strip, environ.get("TRUSTED_HOSTS", "").split(",")))),
            second_factor=environ.get("SECOND_FACTOR", "1") != "0",
            timezone=_timezone(environ.get("TIMEZONE", "UTC")),
            log_format=_one_of(environ, "LOG_FORMAT", LOG_FORMATS),
            log_level=_one_of(environ, "LOG_LEVEL", LOG_LEVELS),
            **_mail(environ),
            **_metrics(environ),
            **_numbers(environ),
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
        **security_config(settings),
    }


_NUMBERS: dict[str, type[int] | type[float]] = {
    "max_images_per_case": int,
    "max_image_megabytes": int,
    "max_image_megapixels": int,
    "analysis_lease_seconds": float,
    "analysis_timeout_seconds": float,
    "analysis_attempts": int,
    "analysis_batch": int,
    "worker_processes": int,
    "claim_minutes": int,
    "target_days_urgent": int,
    "target_days_soon": int,
    "target_days_routine": int,
    "undo_minutes": int,
    "invitation_days": int,
    "idle_minutes": float,
    "session_hours": float,
    "trusted_proxies": int,
    "retention_years": int,
}
_MAY_BE_ZERO = {"trusted_proxies"}


def _numbers(environ: Mapping[str, str]) -> dict[str, Any]:
    return {name: _number(environ, name, kind) for name, kind in _NUMBERS.items() if environ.get(name.upper())}


def _number(environ: Mapping[str, str], name: str, kind: type[int] | type[float]) -> float:
    text = environ[name.upper()]
    try:
        value = kind(text)
    except ValueError:
        raise ConfigurationError(f"{name.upper()} must be a number, not {text!r}.") from None
    if not 0 < value < float("inf") and not (value == 0 and name in _MAY_BE_ZERO):
        raise ConfigurationError(f"{name.upper()} must be greater than zero, not {text}.")
    return value


def _database_url(url: str) -> str:
    """Name the driver that is installed, so that the plain `postgresql://` everybody knows works."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _one_of(environ: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = environ.get(name, known[0]).lower()
    if value not in known:
        raise ConfigurationError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value


def _timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(f"TIMEZONE {name!r} is not a known time zone, such as Europe/Madrid.") from None


def _mail(environ: Mapping[str, str]) -> dict[str, Any]:
    url, sender = environ.get("MAIL_URL"), environ.get("MAIL_FROM", "")
    if not url:
        return {}
    parts = urlsplit(url)
    try:
        known = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # the port is not a number
        known = False
    if not known:
        raise ConfigurationError("MAIL_URL must look like smtp://user:password@host:587 or smtps://host.")
    if "@" not in sender:
        raise ConfigurationError("MAIL_FROM must be the e-mail address that mails come from.")
    return {"mail_url": url, "mail_from": sender}


def _metrics(environ: Mapping[str, str]) -> dict[str, Any]:
    token, bind = environ.get("METRICS_TOKEN", ""), environ.get("METRICS_BIND", "")
    if token and len(token) < 16:
        raise ConfigurationError("METRICS_TOKEN must have at least 16 characters.")
    if bind and not token:
        raise ConfigurationError("METRICS_BIND needs a METRICS_TOKEN: figures are never shown to everybody.")
    if bind and not (bind.rpartition(":")[0] and bind.rpartition(":")[2].isdigit()):
        raise ConfigurationError("METRICS_BIND must look like 127.0.0.1:9101.")
    return {"metrics_token": token, "metrics_bind": bind}


def _secret_key(given: str | None, instance_dir: Path) -> str:
    key = given or _generated(instance_dir / "secret.key", lambda: secrets.token_urlsafe(48))
    if len(key) < 32:
        raise ConfigurationError("SECRET_KEY must have at least 32 characters.")
    return key


def _audit_key(given: str | None, instance_dir: Path) -> bytes:
    key = given or _generated(instance_dir / "audit.key", lambda: secrets.token_urlsafe(48))
    if len(key) < 32:
        raise ConfigurationError("AUDIT_KEY must have at least 32 characters.")
    return key.encode()


def _image_keys(given: str | None, instance_dir: Path) -> dict[str, bytes]:
    def make() -> str:
        return f"k{secrets.token_hex(3)}:{b64encode(secrets.token_bytes(32)).decode()}"

    keys: dict[str, bytes] = {}
    for entry in (given or _generated(instance_dir / "image.keys", make)).replace("\n", ",").split(","):
        if not entry.strip():
            continue
        key_id, _, encoded = entry.strip().partition(":")
        if key_id in keys:
            raise ConfigurationError(f"IMAGE_KEYS names the key {key_id!r} twice.")
        try:
            keys[key_id] = b64decode(encoded, validate=True)
        except ValueError:
            raise ConfigurationError(f"IMAGE_KEYS: the key {key_id!r} is not valid base64.") from None
        if not 0 < len(key_id) <= 32 or len(keys[key_id]) != 32:
            raise ConfigurationError("IMAGE_KEYS: each entry must be an id and 32 bytes in base64 (AES-256).")
    if not keys:
        raise ConfigurationError("IMAGE_KEYS holds no key.")
    return keys


def _totp_secrets(given: str | None, instance_dir: Path) -> dict[str, str]:
    """For passlib's wallet, which encrypts with the highest number and still opens what older ones closed."""
    found: dict[str, str] = {}
    text = given or _generated(instance_dir / "totp.keys", lambda: f"1:{secrets.token_urlsafe(32)}")
    for entry in text.split(","):
        number, _, secret = entry.strip().partition(":")
        if not number.isdecimal() or len(secret) < 32 or number in found:
            raise ConfigurationError("TOTP_SECRETS: each entry must be a number of its own and 32 characters or more.")
        found[number] = secret
    return found


def _generated(path: Path, make: Callable[[], str]) -> str:
    """The text of ``path``, made first by whichever process links it first; readable by its owner only."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()

"""Every setting of the application, read once from the environment; docs/settings.md is generated from the fields."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from webapp.core import keys
from webapp.core.environment import ConfigurationError as ConfigurationError
from webapp.core.environment import (
    DatabaseUrl,
    Duration,
    Folder,
    HostAndPort,
    Key,
    KeyBytes,
    LowerCase,
    MailServer,
    Names,
    Number,
    Switch,
    TimeZone,
    Token,
    problem,
)

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def _setting(description: str, default: Any, shown: str | None = None, **more: Any) -> Any:
    """A field: its meaning, and how docs/settings.md words a default that does not speak for itself."""
    extra: dict[str, Any] = {"shown": shown}
    return Field(default, description=description, json_schema_extra=extra, **more)


def _derived(description: str, shown: str, make: Callable[[dict[str, Any]], Any], *, repr: bool = True) -> Any:
    """A field whose default depends on the fields above it."""
    extra: dict[str, Any] = {"shown": shown}
    return Field(
        default_factory=make, validate_default=True, description=description, json_schema_extra=extra, repr=repr
    )


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals; an empty one counts as not given."""

    model_config = SettingsConfigDict(
        frozen=True, validate_default=False, enable_decoding=False, hide_input_in_errors=True
    )

    instance_dir: Folder = _setting(
        "folder of the default database, queue and images, and of the generated keys",
        PROJECT_ROOT / "instance",
        "`instance` beside app.py",
        validate_default=True,
    )
    database_url: DatabaseUrl = _derived(
        "SQLAlchemy address of the database",
        "SQLite file in the instance folder",
        lambda given: f"sqlite:///{given['instance_dir']}/dermtriage.sqlite",
        repr=False,
    )
    queue_url: str = _derived(
        "queue for background work: `sqlite:///file`, `redis://…` or `postgresql://…`",
        "a separate SQLite file there",
        lambda given: f"sqlite:///{given['instance_dir']}/queue.sqlite",
        repr=False,
    )
    storage_url: str = _derived(
        "store of encrypted images: `file:///…` or `s3://bucket/prefix?endpoint=https://…&region=…`",
        "folder `images` in the instance folder",
        lambda given: f"file://{given['instance_dir']}/images",
    )
    secret_key: Key = _derived(
        "signs sessions and links; at least 32 characters",
        "generated once, kept in the instance folder",
        keys.kept("secret.key", keys.new_secret),
        repr=False,
    )
    image_keys: keys.ImageKeys = _derived(
        "`id:base64,…`: AES-256 keys of the image store; the first encrypts",
        "generated once, kept there",
        keys.kept("image.keys", keys.new_image_key),
        repr=False,
    )
    totp_secrets: keys.TotpSecrets = _derived(
        "`number:secret,…`: keys for the second factors; the highest number encrypts",
        "generated once, kept there",
        keys.kept("totp.keys", keys.new_totp_secret),
        repr=False,
    )
    audit_key: KeyBytes = _derived(
        "authenticates the chain of the audit trail; at least 32 characters",
        "generated once, kept there",
        keys.kept("audit.key", keys.new_secret),
        repr=False,
    )
    model_bundle: Path | None = _setting("folder of the model bundle", None, "the shipped bundle")
    https: Switch = _setting("`1`: cookies over TLS only, HSTS sent; `0`: plain HTTP on one machine", True)
    trusted_hosts: Names = _derived(
        "host names the application answers to, `triage.example.org,…`; others are refused",
        "none, so it must be given; with `HTTPS=0`, `localhost,127.0.0.1`",
        lambda given: () if given["https"] else ("localhost", "127.0.0.1"),
    )
    trusted_proxies: Annotated[int, Field(ge=0)] = _setting(
        "number of reverse proxies in front whose X-Forwarded-For and X-Forwarded-Proto are trusted", 0
    )
    second_factor: Switch = _setting(
        "`1`: required for dermatologists and administrators; `0`: optional for everyone", True
    )
    idle_minutes: Duration = _setting("idle time after which a user is signed out", 15)
    session_hours: Duration = _setting("time after which a user must sign in again, idle or not", 12)
    timezone: TimeZone = _setting("IANA time zone of the times on pages", ZoneInfo("UTC"))
    max_images_per_case: Number = _setting("most dermoscopic images in one case", 6)
    max_image_megabytes: Number = _setting("largest uploaded file", 25)
    max_image_megapixels: Number = _setting("largest uploaded image (JPEG; PNG 29, WebP 14 at most)", 52)
    analysis_lease_seconds: Duration = _setting(
        "how long a worker may be silent before another takes over its analysis", 15
    )
    analysis_timeout_seconds: Duration = _setting("longest time for one analysis", 60)
    analysis_attempts: Number = _setting("attempts before the analysis fails and the case needs a person", 3)
    analysis_batch: Number = _setting("most images a worker analyses together when several are waiting", 2)
    worker_processes: Number = _setting("analyses that one worker command runs at the same time", 1)
    claim_minutes: Number = _setting("how long a claim on a case lasts", 20)
    target_days_urgent: Number = _setting("days until an urgent case is due", 2)
    target_days_soon: Number = _setting("days until a case sent as “soon” is due", 7)
    target_days_routine: Number = _setting("days until a routine case is due", 14)
    undo_minutes: Number = _setting("how long a decision can be taken back, unless the GP has read it", 5)
    invitation_days: Number = _setting("how long an invitation link works", 7)
    mail_url: MailServer | None = _setting(
        "`smtp://user:password@host:587` or `smtps://…`: invitations are emailed as well",
        None,
        "none: links are shown only",
        repr=False,
    )
    mail_from: str = _setting("sender address of these emails", "", validate_default=True)
    retention_years: Number | None = _setting(
        "`apply-retention` erases cases answered longer ago than this", None, "none: kept indefinitely"
    )
    log_format: Annotated[Literal["json", "text"], LowerCase] = _setting(
        "`json`: one object per line; `text`: for people", "json", "`json`; `text` for `python app.py`"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], LowerCase] = _setting(
        "lowest level logged: `debug`, `info`, `warning` or `error`", "info", "`info`; `warning` for `python app.py`"
    )
    metrics_token: Token = _setting(
        "bearer token for `/metrics`; at least 16 characters",
        "",
        "none: no such page",
        repr=False,
    )
    metrics_bind: HostAndPort = _setting("`host:port` at which the worker serves its metrics, with the same token", "")

    @property
    def max_image_bytes(self) -> int:
        return self.max_image_megabytes * 1024 * 1024

    @property
    def max_request_bytes(self) -> int:
        """Of a form with images."""
        return self.max_images_per_case * self.max_image_bytes + 1024 * 1024

    @field_validator("mail_from")
    @classmethod
    def _a_sender_for_the_mails(cls, sender: str, info: ValidationInfo) -> str:
        if info.data.get("mail_url") and "@" not in sender:
            raise ValueError("must be the email address that mails come from.")
        return sender

    @field_validator("metrics_bind")
    @classmethod
    def _figures_for_nobody_without_a_token(cls, bind: str, info: ValidationInfo) -> str:
        if info.data.get("metrics_token") == "":
            raise ValueError("needs a METRICS_TOKEN: metrics are never public.")
        return bind

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """No source but the caller: ``from_environment`` says which environment it is."""
        return (init_settings,)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Raises ConfigurationError, which names everything that is wrong."""
        source = EnvSettingsSource(cls)
        source.env_vars = {name.lower(): text for name, text in environ.items() if text and name.isupper()}
        try:
            return cls(**source())
        except ValidationError as error:
            raise problem(error.errors()) from None


ELSEWHERE = {
    "AWS_ACCESS_KEY_ID": (
        "credentials for the bucket; the S3 client reads these and other AWS_… variables itself",
        "none",
    ),
    "AWS_SECRET_ACCESS_KEY": ("see above", "none"),
    "WEB_CONCURRENCY": ("web server processes; read by gunicorn.conf.py, like the next two", "`2`"),
    "WEB_THREADS": ("requests that one process handles at the same time, at most four of them uploads", "`8`"),
    "WEB_BIND": ("`host:port` or `unix:/path` that the web server listens on", "`127.0.0.1:8000`"),
}
"""Variables that other programs read: meaning and default."""


def settings_of(app: Flask) -> Settings:
    settings: Settings = app.extensions["settings"]
    return settings


def current_settings() -> Settings:
    """Those of the application that handles this request or command."""
    return settings_of(current_app)


def flask_config(settings: Settings) -> dict[str, object]:
    """The settings under the names that Flask and its extensions use."""
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True, "hide_parameters": True},
        "TRUSTED_HOSTS": list(settings.trusted_hosts) or None,
        "SESSION_COOKIE_NAME": "__Host-dermtriage" if settings.https else "dermtriage",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_SECURE": settings.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        "WTF_CSRF_TIME_LIMIT": None,  # a token lives as long as its session: a long form must not expire
    }

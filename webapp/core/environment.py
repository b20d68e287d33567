"""Reading single environment variables: each function takes the text and says in words what is wrong with it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

MAY_BE_ZERO = {"trusted_proxies"}


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


def numbers(environ: Mapping[str, str], kinds: Mapping[str, type[int] | type[float]]) -> dict[str, Any]:
    """Those of ``kinds`` (name of the setting: int or float) that are given."""
    return {name: _number(environ, name, kind) for name, kind in kinds.items() if environ.get(name.upper())}


def _number(environ: Mapping[str, str], name: str, kind: type[int] | type[float]) -> float:
    text = environ[name.upper()]
    try:
        value = kind(text)
    except ValueError:
        raise ConfigurationError(f"{name.upper()} must be a number, not {text!r}.") from None
    if not 0 < value < float("inf") and not (value == 0 and name in MAY_BE_ZERO):
        raise ConfigurationError(f"{name.upper()} must be greater than zero, not {text}.")
    return value


def database_url(url: str) -> str:
    """Name the driver that is installed, so that the plain `postgresql://` everybody knows works."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def one_of(environ: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = environ.get(name, known[0]).lower()
    if value not in known:
        raise ConfigurationError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value


def timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(f"TIMEZONE {name!r} is not a known time zone, such as Europe/Madrid.") from None


def mail(environ: Mapping[str, str]) -> dict[str, Any]:
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
        raise ConfigurationError("MAIL_FROM must be the email address that emails come from.")
    return {"mail_url": url, "mail_from": sender}


def metrics(environ: Mapping[str, str]) -> dict[str, Any]:
    token, bind = environ.get("METRICS_TOKEN", ""), environ.get("METRICS_BIND", "")
    if token and len(token) < 16:
        raise ConfigurationError("METRICS_TOKEN must have at least 16 characters.")
    if bind and not token:
        raise ConfigurationError("METRICS_BIND needs a METRICS_TOKEN: metrics are never public.")
    if bind and not (bind.rpartition(":")[0] and bind.rpartition(":")[2].isdigit()):
        raise ConfigurationError("METRICS_BIND must look like 127.0.0.1:9101.")
    return {"metrics_token": token, "metrics_bind": bind}

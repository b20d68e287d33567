"""The kinds of settings: which text each accepts, and how a wrong one is reported."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field
from pydantic_core import ErrorDetails

from webapp.core.private import FOLDER, keep_private


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


def problem(errors: Iterable[ErrorDetails]) -> ConfigurationError:
    """Everything that is wrong, in one error that repeats no secret."""
    # A default that depends on other settings is not made while one of them is wrong.
    sentences = [_sentence(error) for error in errors if error["type"] != "default_factory_not_called"]
    if len(sentences) == 1:
        return ConfigurationError(sentences[0])
    return ConfigurationError("\n".join(["Several settings are wrong:", *sentences]))


def _sentence(error: ErrorDetails) -> str:
    name, given, context = str(error["loc"][0]).upper(), error["input"], error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return f"{name} {context['error']}"
        case "string_too_short" | "bytes_too_short":
            return f"{name} must have at least {context['min_length']} characters."
        case "int_parsing" | "float_parsing" | "finite_number":
            return f"{name} must be a number, not {given!r}."
        case "greater_than":
            return f"{name} must be greater than {context['gt']:g}, not {given}."
        case "greater_than_equal":
            return f"{name} must be {context['ge']:g} or more, not {given}."
        case "literal_error":
            return f"{name} must be {context['expected']}, not {given!r}."
    return f"{name}: {error['msg']}."


def _switch(value: object) -> object:
    return value != "0" if isinstance(value, str) else value


def _folder(value: str | Path) -> Path:
    path = Path(value).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        keep_private(path)
    except OSError as error:
        raise ValueError(f"must be a folder that can be made or written to: {error.strerror}.") from None
    return path


def _with_driver(url: str) -> str:
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _zone(value: object) -> object:
    try:
        return ZoneInfo(value) if isinstance(value, str) else value
    except (KeyError, ValueError, OSError):
        raise ValueError(f"must be a known time zone, such as Europe/Madrid, not {value!r}.") from None


def _names(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.lower().split(",")))) if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _mail_server(url: str) -> str:
    parts = urlsplit(url)
    try:
        known = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # the port is not a number
        known = False
    if not known:
        raise ValueError("must look like smtp://user:password@host:587 or smtps://host.")
    return url


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not (host and port.isdigit()):
        raise ValueError("must look like 127.0.0.1:9101.")
    return text


Number = Annotated[int, Field(gt=0)]
Duration = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Switch = Annotated[bool, BeforeValidator(_switch)]
"""Only a plain 0 turns it off, because each of them protects somebody."""
Key = Annotated[str, Field(min_length=32)]
KeyBytes = Annotated[bytes, Field(min_length=32)]
Token = Annotated[str, Field(min_length=16)]
Folder = Annotated[Path, BeforeValidator(_folder)]
DatabaseUrl = Annotated[str, BeforeValidator(_with_driver)]
"""Names the installed driver, so that a plain ``postgresql://`` works."""
TimeZone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
LowerCase = BeforeValidator(_lower)
MailServer = Annotated[str, BeforeValidator(_mail_server)]
HostAndPort = Annotated[str, BeforeValidator(_host_and_port)]

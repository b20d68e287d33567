"""Log lines without patients: who requested which endpoint and how it ended, never what was sent or shown.

Our own lines may contain words, because we wrote them. A library's line is logged from "warning" upwards, and of its
arguments only the numbers. An exception is logged with its type and frames; with its message only if the class is in
TELLABLE, because others quote what they failed on. Callers pass ids and codes, never what people typed.
"""

import logging
import re
import secrets
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from flask import Flask, Response, g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter
from sqlalchemy import inspect

from webapp.core.config import PROJECT_ROOT, Settings

log = logging.getLogger(__name__)

OURS = ("webapp", "ml")
TELLABLE = {
    "ml.bundle.BundleError",
    "ml.imaging.decoding.UnreadableImage",
    "webapp.core.environment.ConfigurationError",
    "webapp.core.mail.MailError",
    "webapp.storage.errors.StorageError",
}
"""Exceptions whose messages contain only settings, the program's files, object keys and reasons."""
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
HEADER = "X-Request-ID"
FIELDS = ("request", "analysis", "method", "endpoint", "status", "ms", "user")
MOST_FRAMES = 40
MOST_CAUSES = 5

_about: ContextVar[dict[str, object]] = ContextVar("about", default={})  # noqa: B039 - never changed, only replaced


class LoggedFlask(Flask):
    def log_exception(self, exc_info: Any) -> None:
        """By endpoint: Flask would log the path, which may name a case."""
        log.error("the request failed", exc_info=exc_info, extra={"endpoint": request.endpoint or "-"})


def init_app(app: Flask) -> None:
    """One line per request. Register this first, so that its line is written last."""
    app.before_request(_note_start)
    app.after_request(_tell)


def configure(settings: Settings) -> None:
    """Send every log line of this process to standard error, according to LOG_FORMAT and LOG_LEVEL."""
    root = logging.getLogger()
    root.handlers[:] = [QuietHandler(settings.log_format, sys.stderr)]
    root.setLevel(settings.log_level.upper())
    server = logging.getLogger("gunicorn.error")
    server.handlers.clear()  # its own handler would log the address of a failed request
    server.propagate = True


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Every line logged inside carries these fields."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def request_id() -> str:
    """Shared by the lines of this request: the proxy's id if it is well formed, otherwise one of our own."""
    if "request_id" not in g:
        given = request.headers.get(HEADER, "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    known: str = g.request_id
    return known


def _note_start() -> None:
    g.started = time.perf_counter()


def _tell(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    fields = {
        "method": request.method,
        "endpoint": request.endpoint or "-",
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000),
        "user": _user_id(),
    }
    log.info("request", extra=fields)
    return response


def _user_id() -> int | None:
    """Without a query: the user already loaded in this request, if any."""
    state = inspect(g.get("_login_user"), raiseerr=False)
    identity = getattr(state, "identity", None)
    return int(identity[0]) if identity else None


class QuietHandler(logging.StreamHandler[TextIO]):
    """The program's only handler: decides what a line may say, then writes it."""

    def __init__(self, style: str, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(_json() if style == "json" else _Text())
        self.addFilter(lambda record: _is_ours(record) or record.levelno >= logging.WARNING)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(_told(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Python's own would print the message and its arguments."""
        sys.stderr.write(f"a log line of {record.name} could not be written\n")


def _json() -> logging.Formatter:
    names = {"levelname": "level", "name": "logger"}
    return JsonFormatter(["levelname", "name", "message"], rename_fields=names, timestamp="time")


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        known = [(name, getattr(record, name, None)) for name in FIELDS]
        line = super().format(record) + "".join(f" {name}={value}" for name, value in known if value is not None)
        for error in getattr(record, "errors", ()):
            line += "\n  " + ": ".join(filter(None, (error["type"], error.get("message"))))
            line += "".join(f"\n    {frame}" for frame in error["frames"])
        return line


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OURS


def _told(record: logging.LogRecord) -> logging.LogRecord:
    """A new record with only what may be logged; extras from libraries are dropped as well."""
    message = _message(record)
    told = logging.LogRecord(record.name, record.levelno, record.pathname, record.lineno, message, None, None)
    told.created, told.msecs = record.created, record.msecs
    fields: dict[str, object] = dict(_about.get())
    if has_request_context():
        fields["request"] = request_id()
    if _is_ours(record):
        fields.update((name, getattr(record, name)) for name in FIELDS if hasattr(record, name))
    if record.exc_info and record.exc_info[1] is not None:
        fields["errors"] = _errors(record.exc_info[1])
    told.__dict__.update(fields)
    return told


def _message(record: logging.LogRecord) -> str:
    tell = _word if _is_ours(record) else _number
    try:
        if isinstance(record.args, tuple):
            return str(record.msg) % tuple(map(tell, record.args)) if record.args else str(record.msg)
        return str(record.msg) % {name: tell(value) for name, value in (record.args or {}).items()}
    except (TypeError, ValueError, KeyError):  # the argument was not the number it looked like
        return str(record.msg)


def _word(value: object) -> object:
    return _sentence(value) or type(value).__name__ if isinstance(value, BaseException) else value


def _number(value: object) -> object:
    return value if value is None or isinstance(value, int | float) else f"<{type(value).__name__}>"


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _sentence(error: BaseException) -> str:
    return str(error) if any(_name(kind) in TELLABLE for kind in type(error).__mro__) else ""


def _errors(error: BaseException | None) -> list[dict[str, Any]]:
    """The exception and what led to it, the last first."""
    found: list[dict[str, Any]] = []
    while error is not None and len(found) < MOST_CAUSES:
        facts = {"type": _name(type(error)), "message": _sentence(error), "frames": _frames(error.__traceback__)}
        found.append({name: value for name, value in facts.items() if value or name == "frames"})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def _frames(trace: TracebackType | None) -> list[str]:
    walked = list(traceback.walk_tb(trace))[-MOST_FRAMES:]
    return [f"{_place(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}" for frame, line in walked]


def _place(file: str) -> str:
    """The file relative to the project or to the folder of the libraries."""
    path = Path(file)
    if "site-packages" in path.parts:
        return str(Path(*path.parts[path.parts.index("site-packages") + 1 :]))
    return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else path.name

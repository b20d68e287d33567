"""The program's own files: hashed names that a browser keeps for good, compressed ahead by ``make install``.

Only these files are ever compressed. A page answers with what somebody typed beside its secret form token, and the
length of the two compressed together would tell the token (BREACH).
"""

import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request, send_file
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.utils import safe_join

from webapp.core.config import PROJECT_ROOT

STATIC = PROJECT_ROOT / "static"
PACKED = STATIC / "packed"
WORTH_PACKING = {".css", ".js", ".svg"}
SUFFIXES = {"br": ".br", "gzip": ".gz"}
"""By content coding, the smallest first."""
FOR_GOOD = 365 * 24 * 3600
HASHED = re.compile(r"(?P<stem>.+)\.(?P<hash>[0-9a-f]{16})(?P<suffix>\.\w+)")


def init_app(app: Flask) -> None:
    """``url_for("static", …)`` gives the hashed name, and both names are served."""
    app.url_defaults(_name_by_content)
    app.view_functions["static"] = _send
    app.session_interface = SessionsOfPages()


class SessionsOfPages(SecureCookieSessionInterface):
    """A file is the same for everybody: it neither renews a cookie nor is kept for one cookie alone."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if request.endpoint != "static":
            super().save_session(app, session, response)


def _name_by_content(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and (path := _file(values["filename"])):
        name = Path(values["filename"])
        values["filename"] = str(name.with_suffix(f".{hash_of(path)}{name.suffix}"))


def _send(filename: str) -> Response:
    """A name with an outdated hash, from a page of another release, gets the present file, but not to keep."""
    parts = HASHED.fullmatch(filename)
    path = _file(parts["stem"] + parts["suffix"] if parts else filename) or abort(404)
    current = hash_of(path)
    coding, smallest = _smallest(path)
    media_type = mimetypes.guess_type(path.name)[0]
    kept = bool(parts and parts["hash"] == current)
    response = send_file(
        smallest, media_type, conditional=True, etag=f"{current}-{coding}", max_age=FOR_GOOD if kept else None
    )
    if kept:
        response.cache_control.immutable = True
    if coding != "identity":
        response.content_encoding = coding
    if path.suffix in WORTH_PACKING:
        response.vary.add("Accept-Encoding")
    return response


def _file(name: str) -> Path | None:
    found = safe_join(str(STATIC), name)
    return Path(found) if found and Path(found).is_file() else None


def hash_of(path: Path) -> str:
    """Of the file as it is now: whoever edits one needs to restart nothing."""
    return _hash(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _hash(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _smallest(path: Path) -> tuple[str, Path]:
    """The content coding that the browser prefers among those there are, and the file to send."""
    there = {coding: copy for coding in SUFFIXES if (copy := packed(path, coding)).exists()}
    coding = request.accept_encodings.best_match(there, "identity")
    return coding, there.get(coding, path)


def packed(path: Path, coding: str) -> Path:
    """The compressed copy of a file, which is named after the file's content and therefore never out of date."""
    return PACKED / f"{hash_of(path)}{path.suffix}{SUFFIXES[coding]}"

"""A form that came too late, after its session had ended: what was typed is shown again, and can be sent again.

Only what our own page sent is shown: another site must not be able to put words into a form of ours.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request

from webapp.core.database import READ_METHODS


@dataclass(frozen=True)
class Resend:
    """Where the form goes, all its fields, and those of them that somebody can read."""

    action: str
    fields: list[tuple[str, str]]
    files: bool

    @property
    def readable(self) -> list[tuple[str, str]]:
        shown = [(name, value) for name, value in self.fields if value.strip() and not name.endswith("token")]
        return [(name.replace("_", " ").capitalize(), value) for name, value in shown]


def resend() -> Resend | None:
    """The form of this request, unless it is none, comes from elsewhere, or holds a password or a code."""
    if request.method in READ_METHODS or request.blueprint in (None, "security") or not _from_our_own_page():
        return None
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    return Resend(request.path, fields, files=any(file.filename for file in request.files.values()))


def _from_our_own_page() -> bool:
    """What browsers say of it; an old one that says nothing is not believed."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host

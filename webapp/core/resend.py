"""A form that arrived after its session had ended: what was typed is shown and can be sent again.

Only for forms that our own pages sent: another site must not be able to fill in a form of ours.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request

from webapp.core.database import READ_METHODS


@dataclass(frozen=True)
class Resend:
    """Where the form goes, all its fields, and those that are shown."""

    action: str
    fields: list[tuple[str, str]]
    files: bool

    @property
    def readable(self) -> list[tuple[str, str]]:
        shown = [(name, value) for name, value in self.fields if value.strip() and not name.endswith("token")]
        return [(name.replace("_", " ").capitalize(), value) for name, value in shown]


def resend() -> Resend | None:
    """The form of this request, unless there is none, it comes from elsewhere, or it contains a password or a code."""
    if request.method in READ_METHODS or request.blueprint in (None, "security") or not _from_our_own_page():
        return None
    if (request.content_length or 0) > (request.max_content_length or 0):
        return None  # nothing of it was read
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    return Resend(
        request.full_path.removesuffix("?"), fields, files=any(file.filename for file in request.files.values())
    )


def _from_our_own_page() -> bool:
    """What the browser says about it; an old one that says nothing is not trusted."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host

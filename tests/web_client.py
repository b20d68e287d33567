"""The test client that checks every page it fetches: valid HTML, title, unique ids, labels, headers."""

import re
from collections import Counter
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from justhtml import JustHTML
from werkzeug.test import TestResponse

from webapp.core.headers import CONTENT_SECURITY_POLICY


class CheckedClient(FlaskClient):
    """A browser without JavaScript that rejects sloppy pages and fills in the CSRF token."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        response.request.environ["wsgi.input"].close()  # a large body is a temporary file
        if response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 308):
            check_page(response)
        return response

    def token(self, path: str) -> str:
        """The CSRF token of the first form on a page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path).text)
        assert found, f"no form on {path}"
        return found.group(1)

    def submit(
        self, path: str, data: dict[str, Any] | None = None, page: str | None = None, **more: Any
    ) -> TestResponse:
        """POST to ``path`` as the form on ``page`` (by default the same path) would."""
        return self.post(path, data={"csrf_token": self.token(page or path), **(data or {})}, **more)

    def sign_in(self, email: str, password: str) -> TestResponse:
        response = self.submit("/login", {"email": email, "password": password})
        assert response.status_code == 302, response.text
        return response


def new_client(app: Flask) -> CheckedClient:
    """A browser that nobody has used yet."""
    client = app.test_client()
    assert isinstance(client, CheckedClient)
    return client


def without_token(html: str) -> str:
    """The page without values that change every second: CSRF tokens, the session's remaining time, since when
    something is asked for.
    """
    return re.sub(r'name="(?:csrf_token|since)"[^>]*>|data-seconds="\d+"|since=[^"&]+', "", html)


def check_page(response: TestResponse) -> None:
    html = response.text
    fragment = not html.lstrip().lower().startswith("<!doctype")
    document = JustHTML(f"<!doctype html><title>fragment</title>{html}" if fragment else html, collect_errors=True)
    assert not document.errors, f"invalid HTML: {document.errors[:3]}"
    repeated = [name for name, count in Counter(re.findall(r'\sid="([^"]*)"', html)).items() if count > 1]
    assert not repeated, f"ids used twice: {repeated}"
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)", html), "inline style or script"
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["Cache-Control"] == "no-store"
    if not fragment:
        title = re.search(r"<title>(.+?) · DermTriage</title>", html)
        assert title, "a page needs a title"
        assert title.group(1).strip()

"""Response headers: nothing inline, nothing foreign, nothing framed, nothing clinical kept in a cache."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",  # Bootstrap's icons are data: images; previews of chosen files are blob:
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "object-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

FIXED = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def init_app(app: Flask, *, https: bool) -> None:
    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(FIXED)
        if https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if request.endpoint != "static" or response.status_code >= 400:
            response.headers["Cache-Control"] = "no-store"
        if request.endpoint == "security.logout" and response.status_code < 400:
            response.headers["Clear-Site-Data"] = '"storage"'  # drafts; pages and images are never kept
        return response


def in_one_spelling(app: Flask) -> None:
    """Host names have no case (RFC 4343), but TRUSTED_HOSTS and origins are compared as text."""
    call = app.wsgi_app

    def lowered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "HTTP_HOST" in environ:
            environ["HTTP_HOST"] = environ["HTTP_HOST"].lower()
        return call(environ, start_response)

    app.wsgi_app = lowered  # type: ignore[method-assign]


def trust_proxies(app: Flask, number: int) -> None:
    """Trust what this many proxies say about the client's address and TLS; without proxies nobody is trusted.

    The host name is taken from none of them: a proxy passes the client's Host on, which TRUSTED_HOSTS checks.
    """
    if number:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=number, x_proto=number)  # type: ignore[method-assign]

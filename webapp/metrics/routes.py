"""``/metrics``: for whoever has METRICS_TOKEN; without that setting the page does not exist."""

import hmac

from flask import Blueprint, Response, abort, current_app, request

from webapp.core.config import current_settings

blueprint = Blueprint("metrics", __name__)
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@blueprint.get("/metrics")
def show() -> Response:
    settings = current_settings()
    if not settings.metrics_token:
        abort(404)
    if not allowed(request.headers.get("Authorization", ""), settings.metrics_token):
        abort(401)
    return Response(current_app.extensions["metrics"].written_out(), content_type=TEXT)


def allowed(authorization: str, token: str) -> bool:
    """Whether the header contains the token, compared in constant time."""
    return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())

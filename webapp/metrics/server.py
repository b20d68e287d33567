"""The worker's metrics at an address of their own (METRICS_BIND); nothing else is served there."""

import logging
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from flask import Flask

from webapp.core.config import settings_of
from webapp.core.database import reading
from webapp.metrics.routes import TEXT, allowed

log = logging.getLogger(__name__)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing: a request every few seconds is not worth a line."""


def serve(app: Flask) -> None:
    """Serve in the background for as long as this process lives; if the address is in use, log it and give up."""
    settings = settings_of(app)
    host, _, port = settings.metrics_bind.rpartition(":")

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if not allowed(environ.get("HTTP_AUTHORIZATION", ""), settings.metrics_token):
            start("401 Unauthorized", [("Content-Type", "text/plain")])
            return [b"A token is needed.\n"]
        with app.app_context(), reading():
            text = app.extensions["metrics"].written_out()
        start("200 OK", [("Content-Type", TEXT)])
        return [text]

    try:
        server = make_server(host, int(port), answer, handler_class=_Quiet)
    except OSError as error:
        log.error("no metrics at %s: %s", settings.metrics_bind, error)
        return
    threading.Thread(target=server.serve_forever, daemon=True).start()

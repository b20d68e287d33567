"""Metrics for Prometheus, only if METRICS_TOKEN is set: how many, how fast, how it ended; never about whom.

Other rooms count with one call; without the setting each call does nothing and loads nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, current_app, g, request

from webapp.core.config import Settings
from webapp.metrics.figures import AskBacklog, Figures

METHODS = {"GET", "HEAD", "POST", "OPTIONS"}


def init_app(app: Flask, settings: Settings, ask_backlog: AskBacklog) -> None:
    """``ask_backlog`` queries the database: how many images have no result, and since when the oldest has waited."""
    app.extensions["metrics"] = Figures(ask_backlog) if settings.metrics_token else None
    if settings.metrics_token:
        app.before_request(_begin)
        app.after_request(_count_request)


def _figures() -> Figures | None:
    figures: Figures | None = current_app.extensions["metrics"]
    return figures


def _begin() -> None:
    g.request_began = time.perf_counter()


def _count_request(response: Response) -> Response:
    figures = _figures()
    if figures is None or "request_began" not in g:
        return response
    endpoint = request.endpoint or "none"  # one of those in access.py: nobody can invent more
    method = request.method if request.method in METHODS else "other"
    figures.requests.labels(endpoint, method, str(response.status_code)).inc()
    figures.latency.labels(endpoint, method).observe(time.perf_counter() - g.request_began)
    if endpoint == "security.login" and method == "POST" and response.status_code != 302:
        figures.sign_in_failures.inc()
    return response


def claimed(how: str) -> None:
    """A reader has claimed a case: "free", or "taken over" from a colleague."""
    if figures := _figures():
        figures.claims.labels(how).inc()


def analysed(outcome: str) -> None:
    """An attempt ended: "bcc", "not bcc", "needs person", or "failed"."""
    if figures := _figures():
        figures.outcomes.labels(outcome).inc()


def spent(stage: str, seconds: float) -> None:
    """Seconds that an analysis spent in a stage: wait, load, decode, model, or store."""
    if figures := _figures():
        figures.stages.labels(stage).observe(max(seconds, 0.0))


@contextmanager
def stage(name: str, shared_by: int = 1) -> Iterator[None]:
    """Time a stage that ``shared_by`` analyses share; each is counted with its share, unless it fails."""
    began = time.perf_counter()
    yield
    share = (time.perf_counter() - began) / shared_by
    for _ in range(shared_by):
        spent(name, share)

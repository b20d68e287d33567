"""When more arrives than the machine can handle, images are deferred early, so that pages stay fast.

The time a request has waited for a thread is the sign, whatever the cause: see gunicorn.conf.py. Without gunicorn
nothing is deferred. Nothing is lost: the page sends its form again by itself, and one form makes one case.
"""

import threading

from flask import Flask, request
from flask.typing import ResponseReturnValue

LATE_SECONDS = 0.1
RETRY_SECONDS = 5
WITH_IMAGES = {"cases.new", "cases.check_image", "cases.add_images", "additions.add"}

LATER: tuple[int, dict[str, str]] = 503, {"Retry-After": str(RETRY_SECONDS)}
"""Status and headers that ask for the request to be sent again."""


class BusyError(Exception):
    """The machine is overloaded; nothing of this request was done."""


def init_app(app: Flask) -> None:
    app.before_request(_put_off)


def too_late() -> bool:
    """Whether this request has waited so long that others must be waiting too."""
    return getattr(threading.current_thread(), "waited_seconds", 0.0) > LATE_SECONDS


def _put_off() -> ResponseReturnValue | None:
    """A script needs no page: it is told at once, before any work is done."""
    if request.method != "POST" or request.endpoint not in WITH_IMAGES or not too_late():
        return None
    if request.headers.get("Sec-Fetch-Dest") != "empty":
        return None  # a person reads the response: BusyError gives back the form with what was typed
    while request.stream.read(1 << 20):  # a browser listens once it has sent everything
        pass
    return "", *LATER

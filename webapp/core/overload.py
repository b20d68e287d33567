"""When more arrives than the machine can do, images are put off early, so that the pages stay fast.

How long a request has waited for a thread says so, whatever the reason: see gunicorn.conf.py. Without gunicorn nothing
is put off. Whoever is put off loses nothing: the page sends its form again by itself, and one form makes one case.
"""

import threading

from flask import Flask, request
from flask.typing import ResponseReturnValue

LATE_SECONDS = 0.1
RETRY_SECONDS = 5
WITH_IMAGES = {"cases.new", "cases.check_image", "cases.add_images"}

LATER: tuple[int, dict[str, str]] = 503, {"Retry-After": str(RETRY_SECONDS)}
"""Status and headers of what should be sent again."""


class BusyError(Exception):
    """There is more to do than can be done; nothing was done of this."""


def init_app(app: Flask) -> None:
    app.before_request(_put_off)


def too_late() -> bool:
    """Whether this request has waited so long that others wait as well."""
    return getattr(threading.current_thread(), "waited_seconds", 0.0) > LATE_SECONDS


def _put_off() -> ResponseReturnValue | None:
    """A script needs no page to read: it is told at once, before anything is done for it."""
    if request.method != "POST" or request.endpoint not in WITH_IMAGES or not too_late():
        return None
    if request.headers.get("Sec-Fetch-Dest") != "empty":
        return None  # somebody reads the answer: BusyError gives back the form with what was typed
    while request.stream.read(1 << 20):  # a browser listens when it has sent everything
        pass
    return "", *LATER

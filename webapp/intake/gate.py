"""How many uploads a web process decodes at once, and how long the others wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from webapp.core.overload import BusyError, too_late

DECODING = threading.BoundedSemaphore(1)
"""One request per web process decodes images at a time: the largest takes hundreds of megabytes, and two would occupy
both cores of a small machine.
"""
INSIDE = threading.BoundedSemaphore(4)
"""Requests decoding or waiting to. Half of the process's threads, so that the others can serve pages."""
WAIT_SECONDS, CHECK_SECONDS = 30.0, 0.5
"""How long sending a case waits for its turn, and how long a mere quality check does."""


@contextmanager
def admitted(seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Wait up to ``seconds`` for a turn to decode the images of one request.

    Raises BusyError, at once if too many are waiting already.
    """
    if too_late() or not INSIDE.acquire(blocking=False):
        raise BusyError
    try:
        if not DECODING.acquire(timeout=seconds):
            raise BusyError
        try:
            yield
        finally:
            DECODING.release()
    finally:
        INSIDE.release()

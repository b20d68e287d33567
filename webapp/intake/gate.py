"""How many uploads a web process decodes at the same time, and how long the others wait for their turn."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from webapp.core.overload import BusyError, too_late

DECODING = threading.BoundedSemaphore(1)
"""One request of a web process decodes images at a time: the largest allowed takes hundreds of megabytes, and two would
keep both of a small machine's cores from the pages.
"""
INSIDE = threading.BoundedSemaphore(4)
"""Those that decode and those that wait for it. Half of the process's threads: pages are served by the others."""
WAIT_SECONDS, CHECK_SECONDS = 30.0, 0.5
"""How long a case that is being sent waits for its place, and how long what is only convenient."""


@contextmanager
def admitted(seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """A place for decoding the images of one request, waited for so long.

    Raises BusyError, at once where too many wait already.
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

"""How long a test waits. It polls for a state, so an idle machine waits no longer than necessary."""

import time
from collections.abc import Callable

PATIENCE = 120.0
"""In seconds: enough for a slow, busy machine with two cores."""
PAUSE = 0.01


def wait_until(happened: Callable[[], bool]) -> None:
    """Poll until it has happened. Raises AssertionError after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(PAUSE)

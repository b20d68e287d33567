"""How long a test waits for what must come. It looks at states, so an idle machine waits no longer than it needs."""

import time
from collections.abc import Callable

PATIENCE = 120.0
"""Seconds, everywhere: enough for a machine with two cores that is slow and busy with other work."""
PAUSE = 0.01


def wait_until(happened: Callable[[], bool]) -> None:
    """Look until it has happened. Raises AssertionError after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(PAUSE)

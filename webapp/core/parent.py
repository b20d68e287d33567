"""A process ends with the one that started it, even if that is killed: nothing of an old release goes on working."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 1.0


def end_with_parent(parent: int, how: signal.Signals) -> None:
    """Called in the child: it gets the signal ``how`` as soon as the process ``parent``, which started it, has ended.

    Also if that has happened before this call.
    """
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, how, 0, 0, 0)
    else:
        threading.Thread(target=_look, args=(parent, how), daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def in_child(how: signal.Signals) -> Callable[[], None]:
    """The same for another program, as ``preexec_fn``: on Linux it holds for whatever is executed."""
    parent = os.getpid()
    if sys.platform != "linux":
        return lambda: None
    _libc()  # loaded before the fork
    return lambda: end_with_parent(parent, how)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _look(parent: int, how: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), how)

"""Freed memory goes back to the system: what one large image took must not stay with the process.

glibc would keep it: it learns from each large block that is freed to keep the next, and gives each thread a heap.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
LARGE_BYTES = 4 * 2**20
"""Blocks from this size on are mapped each for itself, and unmapped when they are freed."""


def give_back_what_is_freed() -> None:
    """Once, at the start of a process. Other C libraries than glibc have no such choice to make."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_M_MMAP_THRESHOLD, LARGE_BYTES), (_M_TRIM_THRESHOLD, LARGE_BYTES), (_M_ARENA_MAX, 1)):
            mallopt(option, value)

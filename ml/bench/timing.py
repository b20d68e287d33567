"""Comparable timings: the contestants take turns, so that a busy machine slows them all alike."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Seconds = dict[str, list[float]]


def interleaved(
    runs: Mapping[str, Callable[[], object]], repetitions: int, warm_up: int = 2, budget: float = 60.0
) -> Seconds:
    """Seconds of every run in every round after the warm-up. Each round starts with a different run.

    No new round starts after `budget` seconds, but at least one is always counted.
    """
    began = time.perf_counter()
    names = list(runs)
    seconds: Seconds = {name: [] for name in names}
    for round_number in range(warm_up + repetitions):
        if round_number > warm_up and time.perf_counter() - began > budget:
            break
        shift = round_number % len(names)
        for name in names[shift:] + names[:shift]:
            start = time.perf_counter()
            runs[name]()
            if round_number >= warm_up:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def summary(seconds: Seconds) -> dict[str, dict[str, float]]:
    """Median and quartiles in milliseconds."""
    found = {}
    for name, values in seconds.items():
        low, median, high = np.percentile(values, [25, 50, 75]) * 1e3
        found[name] = {"median_ms": round(median, 3), "q1_ms": round(low, 3), "q3_ms": round(high, 3)}
    return found


def unsteady(seconds: Seconds, spread: float = 1.5) -> list[str]:
    """The runs whose upper quartile exceeds `spread` times the lower: do not trust figures derived from them."""
    quartiles = {name: np.percentile(values, [25, 75]) for name, values in seconds.items()}
    return [name for name, (low, high) in quartiles.items() if high > spread * low]


def ratio(seconds: Seconds, slower: str, faster: str) -> float:
    """The median of `slower` over that of `faster`."""
    return float(np.median(seconds[slower]) / np.median(seconds[faster]))


def machine(threads: int, load_before: float) -> dict[str, Any]:
    """What the figures depend on apart from the code. A load near the number of cores means the machine was busy."""
    cores = os.cpu_count() or 1
    return {
        "cores": cores,
        "threads": threads,
        "load_before": round(load_before, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "busy_before": load_before > cores / 4,
    }

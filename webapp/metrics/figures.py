"""What is counted, under which names and labels, and how it is written for Prometheus.

If PROMETHEUS_MULTIPROC_DIR names a folder, the processes of one program count in files there, and any of them can
write the sum; see ``share_figures``.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from webapp.core.orm import utcnow

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram
    from prometheus_client.core import GaugeMetricFamily

AskBacklog = Callable[[], tuple[int, datetime | None]]
"""How many images have no result, and since when the oldest has waited."""
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
REQUEST_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
STAGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0)


def share_figures() -> None:
    """Make this process and all that it starts count together. Call before the first metric is created."""
    if os.environ.get(FOLDER):
        return
    folder, owner = tempfile.mkdtemp(prefix="dermtriage-metrics-"), os.getpid()
    os.environ[FOLDER] = folder
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)


class Figures:
    """One set per application; prometheus_client is loaded with the first count."""

    def __init__(self, ask_backlog: AskBacklog) -> None:
        self._ask_backlog = ask_backlog

    @cached_property
    def registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry

        return CollectorRegistry()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        from prometheus_client import Counter

        return Counter(f"dermtriage_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: Iterable[str], buckets: tuple[float, ...]) -> Histogram:
        from prometheus_client import Histogram

        return Histogram(f"dermtriage_{name}", text, labels, registry=self.registry, buckets=buckets)

    @cached_property
    def requests(self) -> Counter:
        return self._counter("requests", "Requests handled.", "endpoint", "method", "status")

    @cached_property
    def latency(self) -> Histogram:
        labels = ("endpoint", "method")
        return self._histogram("request_seconds", "Time to the first byte of the response.", labels, REQUEST_SECONDS)

    @cached_property
    def sign_in_failures(self) -> Counter:
        return self._counter("sign_in_failures", "Failed sign-in attempts.")

    @cached_property
    def claims(self) -> Counter:
        return self._counter("claims", "Cases claimed by a dermatologist.", "how")

    @cached_property
    def outcomes(self) -> Counter:
        return self._counter("analyses", "Analysis attempts by outcome.", "outcome")

    @cached_property
    def stages(self) -> Histogram:
        return self._histogram(
            "analysis_seconds", "Time taken by each stage of an analysis.", ("stage",), STAGE_SECONDS
        )

    def written_out(self) -> bytes:
        """Everything in Prometheus's text format, with the current queue. Needs an application context."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self.registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        queue = CollectorRegistry()
        queue.register(_Queue(self._ask_backlog))
        return bytes(generate_latest(registry) + generate_latest(queue))


class _Queue:
    """Queried when it is read, so that no process has to keep it up to date."""

    def __init__(self, ask_backlog: AskBacklog) -> None:
        self._ask_backlog = ask_backlog

    def collect(self) -> Iterable[GaugeMetricFamily]:
        from prometheus_client.core import GaugeMetricFamily

        count, oldest = self._ask_backlog()
        age = (utcnow() - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily("dermtriage_waiting_images", "Images without a result.", value=count)
        yield GaugeMetricFamily(
            "dermtriage_oldest_waiting_seconds", "Age of the oldest waiting image.", value=max(age, 0.0)
        )

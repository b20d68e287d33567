"""The geometry of two small charts, in view box units; a template draws them as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 440.0
LEFT, RIGHT = 36.0, 8.0
MOST_LABELS = 6


@dataclass(frozen=True)
class Mark:
    """A text at a place."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class BarChart:
    """Vertical bars above a line of labels."""

    bars: list[Bar]
    heights: list[Mark]
    labels: list[Mark]
    width: float = WIDTH
    left: float = LEFT
    floor: float = 150.0
    height: float = 176.0


def bars(values: Sequence[tuple[str, int]]) -> BarChart:
    """One bar for each (label, count); labels that have no room are left out."""
    floor, top = BarChart.floor, 10.0
    most = ceiling(max((count for _label, count in values), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(values), 1)
    every = math.ceil(len(values) / MOST_LABELS)
    drawn = []
    for index, (label, count) in enumerate(values):
        tall = (floor - top) * count / most
        drawn.append(
            Bar(_r(LEFT + step * (index + 0.1)), _r(floor - tall), _r(step * 0.8), _r(tall), f"{label}: {count}")
        )
    return BarChart(
        bars=drawn,
        heights=[Mark(_r(floor - (floor - top) * share), f"{most * share:g}") for share in (0, 0.5, 1)],
        labels=[
            Mark(_r(LEFT + step * (index + 0.5)), label)
            for index, (label, _count) in enumerate(values)
            if index % every == 0
        ],
    )


@dataclass(frozen=True)
class Range:
    """One line of a range chart: a dot on a bar from ``low`` to ``high``."""

    name: str
    y: float
    low: float
    value: float
    high: float
    title: str


@dataclass(frozen=True)
class RangeChart:
    """Horizontal bars, each with a dot: an estimate in its interval."""

    ranges: list[Range]
    ticks: list[Mark]
    height: float
    width: float = WIDTH
    left: float = 130.0


def ranges(rows: Sequence[tuple[str, float, float, float]], most: float, unit: str) -> RangeChart:
    """From (name, low, value, high), all from 0 to ``most``; ``unit`` follows each number."""
    left, line = RangeChart.left, 26.0
    right = WIDTH - 20.0

    def x(value: float) -> float:
        return _r(left + (right - left) * value / most)

    drawn = [
        Range(
            name if len(name) <= 20 else f"{name[:19]}…",
            line * (index + 0.5),
            x(low),
            x(value),
            x(high),
            f"{name}: {value:.0f}{unit}, {low:.0f} to {high:.0f}{unit}",
        )
        for index, (name, low, value, high) in enumerate(rows)
    ]
    ticks = [Mark(x(most * share), f"{most * share:g}{unit}") for share in (0, 0.5, 1)]
    return RangeChart(drawn, ticks, height=line * len(rows) + 24)


def ceiling(value: float) -> float:
    """The next round number: 2, 4, or 10 times a power of ten, at least 2, so that its half is round too."""
    if value <= 2:
        return 2.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 10) if value <= step * power)


def _r(value: float) -> float:
    return round(value, 2)

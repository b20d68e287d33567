"""A small SVG writer: axes from 0 to 1, lines, steps, dots, intervals, and a shaded matrix.

No script, no style sheet, no font. Colours are those of Okabe and Ito (2008), told apart with any colour vision; each
series has a dash of its own as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
DASHES: Final = ("none", "7 4", "2 3", "9 3 2 3")
_WIDTH, _HEIGHT, _LEFT, _TOP, _SIDE = 460, 400, 60, 16, 320
_LEGEND: Final = 18  # height of a line of the legend


@dataclass(frozen=True)
class Series:
    """A named line through (x, y), both 0 to 1 unless the chart's `y_max` says otherwise; `dots` marks the points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False


@dataclass(frozen=True)
class Estimated:
    """A named value with its interval; `low` and `high` are None where it has none."""

    name: str
    value: float
    low: float | None
    high: float | None


def chart(
    title: str, x_label: str, y_label: str, series: Sequence[Series], *, y_max: float = 1.0, diagonal: bool = False
) -> str:
    """Lines over axes from 0 to 1 (upwards to `y_max`), with a legend; `diagonal` adds the line of equality."""
    parts = [_axes(x_label, y_label, y_max)]
    if diagonal:
        parts.append(_line([0, 1], [0, 1], "#767676", "3 4", 1))
    for number, one in enumerate(series):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        heights = [value / y_max for value in one.y]
        parts.append(_line(one.x, heights, colour, dash, 2))
        if one.dots:
            parts += [_dot(*point, colour) for point in zip(one.x, heights, strict=True)]
        parts.append(_legend(number, one.name, colour, dash))
    return _drawing(title, _WIDTH, _HEIGHT + _LEGEND * (len(series) - 1), parts)


def steps(name: str, densities: Sequence[float]) -> Series:
    """A histogram over equal bins of [0, 1] as the outline of its bars."""
    edges = [number / len(densities) for number in range(len(densities) + 1)]
    x = [edge for pair in pairwise(edges) for edge in pair]
    return Series(name, x, [density for density in densities for _ in range(2)])


def forest(title: str, x_label: str, rows: Sequence[Estimated]) -> str:
    """A line for each row: its value as a dot on its interval, over an axis from below the lowest to 1."""
    lowest = min(row.value if row.low is None else row.low for row in rows)
    start, left, line = min(int(lowest * 10) / 10, 0.9), 130, 22
    bottom = 10 + line * len(rows)

    def x(value: float) -> float:
        return round(left + (value - start) / (1 - start) * _SIDE, 2)

    parts = []
    for number in range(6):
        tick = start + (1 - start) * number / 5
        parts.append(
            _segment(x(tick), 10, x(tick), bottom, "#dddddd", 1) + _text(x(tick), bottom + 16, f"{tick:.2f}", "middle")
        )
    for number, row in enumerate(rows):
        y = 10 + line * (number + 0.5)
        parts.append(_text(left - 10, y + 4, row.name, "end"))
        if row.low is not None and row.high is not None:
            parts.append(_segment(x(row.low), y, x(row.high), y, COLOURS[0], 2))
        parts.append(f'<circle cx="{x(row.value)}" cy="{y}" r="4" fill="{COLOURS[0]}"/>')
    parts.append(_text(left + _SIDE / 2, bottom + 36, x_label, "middle"))
    return _drawing(title, left + _SIDE + 40, bottom + 44, parts)


def _segment(x: float, y: float, to_x: float, to_y: float, colour: str, width: int) -> str:
    return f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{colour}" stroke-width="{width}"/>'


def matrix(title: str, names: Sequence[str], rows: Sequence[Sequence[int]]) -> str:
    """Counts, each cell shaded by its share of its row; truth downwards, answers to the right."""
    cell, left, top = 52, 70, 44
    parts = [_text(left + cell * len(names) / 2, 14, "answer", "middle")]
    for i, (name, row) in enumerate(zip(names, rows, strict=True)):
        parts.append(_text(left - 8, top + cell * (i + 0.5) + 4, name, "end"))
        parts.append(_text(left + cell * (i + 0.5), top - 8, name, "middle"))
        for j, count in enumerate(row):
            parts.append(_cell(left + cell * j, top + cell * i, cell, count, count / max(sum(row), 1)))
    size = cell * len(names)
    return _drawing(title, left + size + 8, top + size + 8, parts)


def _cell(x: float, y: float, side: float, count: int, share: float) -> str:
    ink = "#ffffff" if share > 0.55 else "#000000"
    box = (
        f'<rect x="{x}" y="{y}" width="{side}" height="{side}" fill="{COLOURS[0]}" fill-opacity="{share:.3f}" '
        f'stroke="#767676"/>'
    )
    return box + _text(x + side / 2, y + side / 2 + 4, str(count), "middle", ink)


def _drawing(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )


def _axes(x_label: str, y_label: str, y_max: float) -> str:
    parts = [f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#767676"/>']
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(_line([tick, tick], [0, 1], "#dddddd", "none", 1))
        parts.append(_line([0, 1], [tick, tick], "#dddddd", "none", 1))
        parts.append(_text(_x(tick), _TOP + _SIDE + 16, f"{tick:g}", "middle"))
        parts.append(_text(_LEFT - 6, _y(tick) + 4, f"{tick * y_max:.3g}", "end"))
    middle = _TOP + _SIDE / 2
    parts.append(_text(_LEFT + _SIDE / 2, _TOP + _SIDE + 36, x_label, "middle"))
    parts.append(f'<g transform="rotate(-90 16 {middle})">{_text(16, middle, y_label, "middle")}</g>')
    return "".join(parts)


def _legend(number: int, name: str, colour: str, dash: str) -> str:
    x, y = _LEFT, _HEIGHT - 10 + _LEGEND * number
    mark = (
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 26}" y2="{y - 4}" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )
    return mark + _text(x + 32, y, name, "start")


def _line(x: Sequence[float], y: Sequence[float], colour: str, dash: str, width: int) -> str:
    points = " ".join(f"{_x(a)},{_y(b)}" for a, b in zip(x, y, strict=True))
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"/>'
    )


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{_x(x)}" cy="{_y(y)}" r="4" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str, ink: str = "#000000") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{ink}">{escape(text)}</text>'


def _x(value: float) -> float:
    return round(_LEFT + value * _SIDE, 2)


def _y(value: float) -> float:
    return round(_TOP + (1 - value) * _SIDE, 2)

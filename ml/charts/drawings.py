"""Lines, intervals and a shaded matrix.

The colours are those of Okabe and Ito (2008), distinct to any colour vision; each series has its own dash as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ml.charts.svg import drawn, embeddable

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
DASHES: Final = ("solid", (0, (5, 3)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
_SHADES: Final = LinearSegmentedColormap.from_list("shades", ["#ffffff", COLOURS[0]])
_GREY: Final = "#767676"
_DARK: Final = 0.55  # shade from which text is white


@dataclass(frozen=True)
class Series:
    """A named line through the points (x, y); `dots` marks the points themselves."""

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
    title: str,
    x_label: str,
    y_label: str,
    series: Sequence[Series],
    *,
    x_limits: tuple[float, float] = (0, 1),
    y_max: float = 1.0,
    diagonal: bool = False,
) -> str:
    """Lines with a legend below; `diagonal` adds the line of equality."""
    with drawn():
        figure = Figure(figsize=(4.6, 4.3 + 0.2 * len(series)), layout="constrained")
        axes = figure.subplots()
        _frame(axes, x_label, y_label)
        axes.set(xlim=x_limits, ylim=(0, y_max * 1.02))
        if diagonal:
            axes.axline((0, 0), slope=1, color=_GREY, linewidth=1, linestyle=(0, (1, 2)))
        for number, one in enumerate(series):
            colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
            marker = "o" if one.dots else ""
            axes.plot(one.x, one.y, color=colour, linestyle=dash, marker=marker, label=one.name, clip_on=not one.dots)
        figure.legend(loc="outside lower left", frameon=False, handlelength=4)
        return embeddable(figure, title, f"{y_label} against {x_label}: {', '.join(one.name for one in series)}.")


def steps(name: str, densities: Sequence[float]) -> Series:
    """A histogram over equal bins of [0, 1] as the outline of its bars."""
    edges = [number / len(densities) for number in range(len(densities) + 1)]
    x = [edge for pair in pairwise(edges) for edge in pair]
    return Series(name, x, [density for density in densities for _ in range(2)])


def forest(title: str, x_label: str, rows: Sequence[Estimated]) -> str:
    """One line per row: its value as a dot on its interval, on an axis from below the lowest to 1."""
    lowest = min(row.value if row.low is None else row.low for row in rows)
    with drawn():
        figure = Figure(figsize=(6.4, 0.9 + 0.3 * len(rows)), layout="constrained")
        axes = figure.subplots()
        _frame(axes, x_label, "")
        axes.set(xlim=(min(int(lowest * 10) / 10, 0.9), 1), ylim=(len(rows) - 0.5, -0.5))
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        for place, row in enumerate(rows):
            if row.low is not None and row.high is not None:
                axes.hlines(place, row.low, row.high, color=COLOURS[0], clip_on=False)
            axes.plot(row.value, place, "o", color=COLOURS[0], clip_on=False)
        return embeddable(figure, title, f"{x_label}, with its interval, of {', '.join(row.name for row in rows)}.")


def matrix(title: str, names: Sequence[str], rows: Sequence[Sequence[int]]) -> str:
    """Counts, each cell shaded by its share of its row: truth in rows, predictions in columns."""
    side, places = len(names), range(len(names))
    shares = [[count / max(sum(row), 1) for count in row] for row in rows]
    with drawn():
        figure = Figure(figsize=(1.1 + 0.65 * side, 0.8 + 0.65 * side), layout="constrained")
        axes = figure.subplots()
        axes.pcolormesh(shares, cmap=_SHADES, vmin=0, vmax=1, edgecolors=_GREY, linewidth=0.5)
        axes.set(xlim=(0, side), ylim=(side, 0), ylabel="truth")
        axes.set_xlabel("prediction")
        axes.xaxis.set_label_position("top")
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set_xticks([place + 0.5 for place in places], names)
        axes.set_yticks([place + 0.5 for place in places], names)
        for i, row in enumerate(rows):
            for j, count in enumerate(row):
                ink = "#ffffff" if shares[i][j] > _DARK else "#000000"
                axes.text(j + 0.5, i + 0.5, str(count), color=ink, ha="center", va="center")
        return embeddable(figure, title, "Counts: truth in rows, predictions in columns.")


def _frame(axes: Axes, x_label: str, y_label: str) -> None:
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.grid(color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_color(_GREY)

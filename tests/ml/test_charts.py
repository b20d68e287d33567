"""Charts: valid in a page, named for screen readers, the same bytes every time, every point where it belongs."""

import re
from xml.etree import ElementTree

import pytest
from justhtml import JustHTML

from ml.charts import COLOURS, Estimated, Series, chart, forest, matrix, steps

LINE = Series("one & two", [0.0, 0.5, 1.0], [0.0, 1.0, 2.0], dots=True)
DRAWINGS = {
    "chart": lambda: chart("<T>", "x & y", "d", [LINE], y_max=2, diagonal=True),
    "forest": lambda: forest("<T>", "x & y", [Estimated("a<b", 0.75, 0.5, 1.0), Estimated("alone", 0.9, None, None)]),
    "matrix": lambda: matrix("<T>", ["a<b", "b"], [[3, 1], [0, 0]]),
}


def texts(drawing: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawing).iter() if element.tag.endswith("}text")]


def paths(drawing: str, colour: str) -> list[list[tuple[float, float]]]:
    """The corners of every path with this stroke."""
    found = re.findall(rf'<path d="([^"]+)"[^>]*fill: none; stroke: {colour}', drawing)
    return [[(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", path)] for path in found]


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_chart_fits_a_page_that_opens_without_a_network(draw) -> None:
    drawing = draw()
    html = JustHTML(f"<!DOCTYPE html><title>t</title>{drawing}", collect_errors=True)
    assert not html.errors, html.errors[:3]
    assert set(re.findall(r"https?://[^\"' ]+", drawing)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<style|<script|<image|@font-face|<metadata", drawing)


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_chart_is_named_and_described(draw) -> None:
    root = ElementTree.fromstring(draw())
    named = {element.get("id"): element.text for element in root}
    assert root.get("role") == "img"
    assert named[root.get("aria-labelledby")] == "<T>"
    assert len(str(named[root.get("aria-describedby")])) > 20


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_chart_is_the_same_every_time(draw) -> None:
    assert draw() == draw()


def test_ids_of_two_charts_never_meet() -> None:
    first, second = (set(re.findall(r'\bid="([^"]+)"', chart(t, "x", "y", [LINE]))) for t in ("one", "two"))
    assert first
    assert not first & second


def test_points_lie_where_they_belong() -> None:
    line, _in_the_legend = paths(DRAWINGS["chart"](), COLOURS[0])
    (left, bottom), (middle, half), (right, top) = line
    assert middle == pytest.approx((left + right) / 2)
    assert half == pytest.approx((bottom + top) / 2)
    assert left < right
    assert top < bottom


def test_series_differ_in_colour_and_in_dash() -> None:
    drawing = chart("t", "x", "y", [Series(name, [0, 1], [0, 1]) for name in "abcd"])
    styles = {re.findall(rf'style="([^"]*stroke: {colour}[^"]*)"', drawing)[0] for colour in COLOURS}
    dashes = {tuple(re.findall(r"stroke-dasharray: ([\d., ]+)", style)) for style in styles}
    assert len(dashes) == len(COLOURS)
    assert [text for text in texts(drawing) if text in list("abcd")] == list("abcd")


def test_steps_outline_the_bars() -> None:
    series = steps("s", [1.0, 3.0])
    assert (series.x, series.y) == ([0, 0.5, 0.5, 1], [1, 1, 3, 3])


def test_a_forest_draws_an_interval_only_where_there_is_one() -> None:
    drawing = DRAWINGS["forest"]()
    assert {"a<b", "alone", "x & y"} <= set(texts(drawing))
    assert len(paths(drawing, COLOURS[0])) == 1
    assert len(re.findall(rf"<use [^>]*fill: {COLOURS[0]}", drawing)) == 2


def test_a_matrix_shades_by_the_share_of_the_row() -> None:
    drawing = matrix("m", ["a", "b"], [[4, 0], [0, 0]])
    assert [text for text in texts(drawing) if text.isdigit()] == ["4", "0", "0", "0"]
    fills = re.findall(r"fill: (#[0-9a-f]{6}); stroke: #767676", drawing)
    assert fills == [COLOURS[0], "#ffffff", "#ffffff", "#ffffff"]

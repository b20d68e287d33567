"""The geometry of the charts: inside the view box, proportionate, not crowded."""

import pytest

from webapp.admin.reports import charts


def test_bars_stand_on_the_floor_in_proportion() -> None:
    chart = charts.bars([("1 Nov", 0), ("2 Nov", 2), ("3 Nov", 4)])
    heights = [bar.height for bar in chart.bars]
    assert heights[0] == 0
    assert heights[2] == pytest.approx(2 * heights[1])
    assert all(bar.y + bar.height == pytest.approx(chart.floor) for bar in chart.bars)
    assert all(chart.left <= bar.x and bar.x + bar.width <= chart.width for bar in chart.bars)
    assert [mark.text for mark in chart.heights] == ["0", "2", "4"]
    assert [bar.title for bar in chart.bars] == ["1 Nov: 0", "2 Nov: 2", "3 Nov: 4"]


@pytest.mark.parametrize("number", [1, 6, 7, 30, 52])
def test_labels_are_never_crowded(number: int) -> None:
    chart = charts.bars([(str(i), i) for i in range(number)])
    assert len(chart.bars) == number
    assert 1 <= len(chart.labels) <= charts.MOST_LABELS


def test_no_bars_at_all() -> None:
    assert charts.bars([]).bars == []


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 2), (1, 2), (2, 2), (3, 4), (9.9, 10), (10, 10), (11, 20), (41, 100), (0.3, 2)]
)
def test_the_axis_ends_at_a_round_number(value: float, expected: float) -> None:
    assert charts.ceiling(value) == expected


def test_a_range_runs_from_low_to_high_through_its_value() -> None:
    chart = charts.ranges([("Test Centre", 20, 50, 100), ("x" * 90, 0, 0, 0)], 100, " %")
    first, second = chart.ranges
    assert first.low < first.value < first.high <= chart.width
    assert (second.low, second.high) == (chart.left, chart.left)
    assert len(second.name) == 20
    assert first.title == "Test Centre: 50 %, 20 to 100 %"
    assert chart.height > second.y > first.y

"""The worklist's cursor is part of the address, so anyone can put anything into it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.review.worklist_queries import Cursor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(
    rank=st.floats(0, 3),
    microseconds=st.integers(0, 4 * 10**15),
    case_id=st.integers(1, 2**31 - 1),
)
def test_a_cursor_survives_the_way_through_the_address(rank: float, microseconds: int, case_id: int) -> None:
    cursor = Cursor(rank, EPOCH + timedelta(microseconds=microseconds), case_id)
    assert Cursor.parse(str(cursor)) == cursor


def test_a_single_microsecond_counts() -> None:
    moment = datetime(2026, 11, 20, 12, 0, 0, 999_999, tzinfo=UTC)
    later = Cursor(0.5, moment + timedelta(microseconds=1), 1)
    assert Cursor.parse(str(later)) == later


@pytest.mark.parametrize(
    "junk", ["", "~", "~~", "1~2", "1~2~3~4", "x~1~1", "1~x~1", "1~1~x", "1~99999999999999999999999~1", "1~1.5~1", "\0"]
)
def test_junk_is_no_cursor(junk: str) -> None:
    assert Cursor.parse(junk) is None


@given(st.text())
def test_no_text_whatever_breaks_the_parser(text: str) -> None:
    Cursor.parse(text)

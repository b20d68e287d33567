"""Words for times, durations and probabilities."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from webapp.cases.presenters import as_choice
from webapp.core.config import settings_of
from webapp.core.filters import duration, local_time, percent
from webapp.models import BodySite, Case


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (None, "unknown"),
        (0.0, "< 1 %"),
        (0.0099, "< 1 %"),
        (0.01, "1 %"),
        (0.934, "93 %"),
        (0.99, "99 %"),
        (0.9901, "> 99 %"),
        (1.0, "> 99 %"),
    ],
)
def test_a_probability_never_claims_certainty(probability: float | None, text: str) -> None:
    assert percent(probability) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "less than a minute"),
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (48 * 3600 - 1, "47 h"),
        (48 * 3600, "2 days"),
        (10 * 24 * 3600, "10 days"),
    ],
)
def test_a_duration_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "1 Jul 2026, 22:30 UTC"),
        ("Europe/Madrid", "2 Jul 2026, 00:30 CEST"),
        ("Asia/Tokyo", "2 Jul 2026, 07:30 JST"),
    ],
)
def test_without_a_readers_own_zone_a_time_is_shown_in_the_configured_one(app: Flask, zone: str, text: str) -> None:
    app.extensions["settings"] = settings_of(app).model_copy(update={"timezone": ZoneInfo(zone)})
    with app.app_context():
        shown = local_time(datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    assert f">{text}</time>" in shown
    assert 'datetime="2026-07-01T22:30:00+00:00"' in shown


@pytest.mark.parametrize(
    ("cookie", "text"),
    [
        ("Asia/Tokyo", "2 Jul 2026, 07:30 JST"),
        ("../../etc/passwd", "1 Jul 2026, 22:30 UTC"),
        ("Mars/Olympus", "1 Jul 2026, 22:30 UTC"),
        ("", "1 Jul 2026, 22:30 UTC"),
    ],
)
def test_a_reader_sees_times_in_the_zone_of_their_browser(app: Flask, cookie: str, text: str) -> None:
    app.extensions["settings"] = settings_of(app).model_copy(update={"timezone": ZoneInfo("UTC")})
    with app.test_request_context(headers={"Cookie": f"zone={cookie}"}):
        moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
        assert f">{text}</time>" in local_time(moment)
        case = Case(number="DT-TEST", body_site=BodySite.FACE, submitted_at=moment)
        assert as_choice(case) == ("DT-TEST", f"DT-TEST: Face, sent {text.split(',')[0]}")

"""Filters for every template: times in the reader's own zone, durations and probabilities in words."""

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, has_request_context, request
from markupsafe import Markup

from webapp.core.config import current_settings
from webapp.core.counts import in_words
from webapp.core.orm import utcnow
from webapp.core.version import VERSION


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        local_time=local_time,
        local_clock=local_clock,
        local_day=local_day,
        day=day,
        ago=ago,
        duration=duration,
        in_words=in_words,
        percent=percent,
    )
    app.jinja_env.globals["app_version"] = VERSION
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


ZONE_COOKIE = "zone"
"""The browser's own time zone, which zone.js notes."""


def reader_zone() -> ZoneInfo:
    """The zone of whoever reads the page; the configured one if their browser has not said, and outside requests."""
    name = request.cookies.get(ZONE_COOKIE, "") if has_request_context() else ""
    return ZoneInfo(name) if name in _zones() else current_settings().timezone


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def local_time(moment: datetime) -> Markup:
    """A ``<time>`` element in the reader's zone, for example 20 Nov 2026, 14:05 CET."""
    local = moment.astimezone(reader_zone())
    text = f"{local.day} {local:%b %Y, %H:%M %Z}"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), text)


def local_clock(moment: datetime) -> Markup:
    """A ``<time>`` element with the time of day only, for example 14:05, for what is close."""
    local = moment.astimezone(reader_zone())
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), f"{local:%H:%M}")


def day(moment: date) -> str:
    """A date without a time, for example 20 Nov 2026."""
    return f"{moment.day} {moment:%b %Y}"


def local_day(moment: datetime) -> Markup:
    """A ``<time>`` element with the day only, for example 20 Nov."""
    local = moment.astimezone(reader_zone())
    return Markup('<time datetime="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), f"{local.day} {local:%b}"
    )


def duration(seconds: float) -> str:
    """In the largest fitting unit: "less than a minute", "25 min", "3 h", "2 days"."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def ago(moment: datetime) -> str:
    return duration((utcnow() - moment).total_seconds())


def percent(probability: float | None) -> str:
    """A probability as a percentage that never claims certainty."""
    if probability is None:
        return "unknown"
    if probability < 0.01:
        return "< 1 %"
    if probability > 0.99:
        return "> 99 %"
    return f"{probability * 100:.0f} %"

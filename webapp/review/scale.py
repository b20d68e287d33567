"""The scale of an image: from a line drawn over something of known length, never from a device's name or EXIF."""

import math

from webapp import audit
from webapp.core.filters import day, reader_zone
from webapp.models import Image, User, utcnow

LONGEST_MM = 100
SHORTEST_PIXELS = 20
"""Of the line: on a shorter one, a click that is a pixel off changes the scale by a tenth."""


class ScaleError(ValueError):
    """No scale can be had from this line; the message says why and what to do."""


def set_scale(user: User, image: Image, mm: float, pixels: float) -> None:
    """From now on, for every reader: ``pixels`` of the image are ``mm``. Raises ScaleError."""
    if not 0 < mm <= LONGEST_MM:
        raise ScaleError(f"Enter a length in mm over 0 and up to {LONGEST_MM}, for example 10.")
    if not pixels >= SHORTEST_PIXELS:
        raise ScaleError(f"Draw a longer line: from one under {SHORTEST_PIXELS} pixels, the scale would be too rough.")
    if pixels > math.hypot(image.width, image.height) + 1:
        raise ScaleError("Draw the line again: it is longer than the image.")
    before = {"mm_per_pixel": image.mm_per_pixel} if image.mm_per_pixel else None
    image.mm_per_pixel, image.scale_set_by, image.scale_set_at = mm / pixels, user, utcnow()
    audit.record(user, "image.scale_set", image, before=before, after={"mm_per_pixel": image.mm_per_pixel})


def in_words(image: Image) -> str:
    """Who set the scale and when; empty without one."""
    if image.scale_set_by is None or image.scale_set_at is None:
        return ""
    return f"scale set by {image.scale_set_by.name} on {day(image.scale_set_at.astimezone(reader_zone()).date())}"

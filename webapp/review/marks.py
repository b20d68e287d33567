"""Marks for the GP as the decision's form sends them: a list in JSON, placed in the viewer."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from webapp.models import Case, Mark

MOST = 12
LONGEST = 120
UNREADABLE = "The marks could not be read. Please place them again."


class MarksError(ValueError):
    """The marks can't be sent as they are; the message says why and what to do."""


@dataclass(frozen=True)
class PlacedMark:
    """A place in an image, as fractions of its width and height, and what to say of it."""

    image_id: int
    x: float
    y: float
    text: str

    def stored(self) -> Mark:
        return Mark(image_id=self.image_id, x=self.x, y=self.y, text=self.text)


def read(text: str) -> list[PlacedMark]:
    """What the form says, finished or not. Raises MarksError for what no page of ours sends."""
    try:
        return [_read(entry) for entry in json.loads(text or "[]")]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MarksError(UNREADABLE) from error


def _read(entry: dict[str, Any]) -> PlacedMark:
    image_id, x, y, text = entry["image"], entry["x"], entry["y"], entry["text"]
    if type(image_id) is not int or type(text) is not str or not (_is_fraction(x) and _is_fraction(y)):
        raise ValueError
    return PlacedMark(image_id, float(x), float(y), _one_line(text))


def _is_fraction(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1  # type: ignore[arg-type, operator]


def _one_line(text: str) -> str:
    """Without what no keyboard types, which a JSON escape could bring past the forms and no database would store."""
    typed = "".join(c for c in " ".join(text.split()) if unicodedata.category(c) not in ("Cc", "Cs"))
    return typed.strip()


def check(marks: list[PlacedMark]) -> None:
    """Raises MarksError for what the reader has still to do."""
    if len(marks) > MOST:
        raise MarksError(f"There are {len(marks)} marks. Please keep to {MOST}: remove {len(marks) - MOST}.")
    for number, mark in enumerate(marks, start=1):
        if not mark.text:
            raise MarksError(f"Say what mark {number} shows, or remove it.")
        if len(mark.text) > LONGEST:
            raise MarksError(f"Please keep the text of mark {number} under {LONGEST} characters.")


def check_images(marks: Iterable[PlacedMark], case: Case) -> None:
    """Raises MarksError for a mark on an image of another case."""
    own = {image.id for image in case.images}
    for number, mark in enumerate(marks, start=1):
        if mark.image_id not in own:
            raise MarksError(f"Mark {number} is not on an image of this case. Please remove it.")


def as_json(marks: Iterable[Mark]) -> str:
    """Marks of a decision as a form says them."""
    said = [{"image": mark.image_id, "x": mark.x, "y": mark.y, "text": mark.text} for mark in marks]
    return json.dumps(said) if said else ""


def named(text: str, case: Case) -> list[tuple[str, str]]:
    """("Mark 1, image 2", its text) of every mark in a form; none if it can't be read."""
    positions = {image.id: image.position for image in case.images}
    try:
        marks = read(text)
    except MarksError:
        return []
    return [(name(n, positions.get(mark.image_id, "?")), mark.text) for n, mark in enumerate(marks, start=1)]


def name(number: int, position: int | str) -> str:
    return f"Mark {number}, image {position}"

"""Choices of form fields, made from the vocabulary's enumerations."""

from collections.abc import Iterable
from enum import StrEnum

from wtforms.fields.choices import SelectChoice


def choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """From (value, text) pairs."""
    return [SelectChoice(value, text) for value, text in pairs]


def optional_id(value: str | int | None) -> int | None:
    """Coerces the value of a choice that may be empty."""
    return int(value) if value is not None and str(value).isdecimal() else None


def choices_of(kind: type[StrEnum], empty: str | None = None) -> list[SelectChoice]:
    """One choice for each member by its ``label``, after an ``empty`` one if given."""
    first = [("", empty)] if empty is not None else []
    return choices([*first, *((member.value, member.label) for member in kind)])  # type: ignore[attr-defined]

"""What in a text could identify a patient: a date of birth, a national number, a telephone number, a name with a title.

It warns and never refuses: a code may look like a number by chance.
"""

import re
from collections.abc import Callable
from datetime import date, datetime

CHILDHOOD = 15
"""Years: an older date is hardly one of treatment. A later one counts if it is called a date of birth."""
_DATE = re.compile(r"\b(?:(\d{4})[-./](\d{1,2})[-./](\d{1,2})|(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4}))\b")
_BORN = re.compile(r"\b(born( on)?|d\.?o\.?b\.?|date of birth)\W*$", re.IGNORECASE)
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Herr|Frau|Señora?|Madame|Monsieur)\.?\s+[A-ZÀ-Þ][\w'’-]+")
_TELEPHONE = re.compile(r"(?<![\w.])(?:\+|00?)(?:[ ()/-]?\d){8,14}(?!\w)")
_DIGITS = re.compile(r"(?<!\w)\d(?:[ -]?\d){8,10}(?!\w)")
_SPANISH = re.compile(r"(?<!\w)(\d{8})-?([A-Z])(?!\w)", re.IGNORECASE)


def identifiers_in(text: str, today: date) -> list[str]:
    """What looks like an identifier, each in words with the passage; empty if nothing."""
    found = dict.fromkeys(_births(text, today), "a date of birth")
    for kind, passages in (
        ("a national number", [match.group() for match in _DIGITS.finditer(text) if _is_national(match.group())]),
        ("a national number", [match.group() for match in _SPANISH.finditer(text) if _is_spanish(match)]),
        ("a telephone number", [match.group() for match in _TELEPHONE.finditer(text)]),
        ("a name", [match.group() for match in _TITLED.finditer(text)]),
    ):
        for passage in passages:
            found.setdefault(passage.strip(), kind)
    return [f"“{passage}” looks like {kind}" for passage, kind in found.items()]


def _births(text: str, today: date) -> list[str]:
    found = []
    for match in _DATE.finditer(text):
        day = _day_of(match)
        old = day is not None and day.year <= today.year - CHILDHOOD
        if day is not None and (old or _BORN.search(text[: match.start()])):
            found.append(match.group())
    return found


def _day_of(match: re.Match[str]) -> date | None:
    year, month, day = (match.group(1), match.group(2), match.group(3)) if match.group(1) else match.group(6, 5, 4)
    for order in ((month, day), (day, month)):
        try:
            return datetime(int(year), int(order[0]), int(order[1])).date()  # noqa: DTZ001 - a day, not a moment
        except ValueError:
            continue
    return None


def _is_national(number: str) -> bool:
    digits = [int(character) for character in number if character.isdigit()]
    rule = _RULES.get(len(digits))
    return len(set(digits)) > 1 and rule is not None and rule(digits)


def _nhs(digits: list[int]) -> bool:
    """NHS number: modulo 11."""
    return (11 - sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11) % 11 == (
        digits[9]
    )


def _bsn(digits: list[int]) -> bool:
    """Dutch BSN: the test by eleven."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11 == 0


def _pesel(digits: list[int]) -> bool:
    """Polish PESEL: modulo 10."""
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


def _is_spanish(match: re.Match[str]) -> bool:
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(match.group(1)) % 23] == match.group(2).upper()


_RULES: dict[int, Callable[[list[int]], bool]] = {9: _bsn, 10: _nhs, 11: _pesel}
"""Number of digits → the check of its national number."""

"""Counts whose cost does not grow: up to a limit, and in words beyond it."""

from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select

MOST = 1000


def up_to(statement: Select[Any], most: int = MOST) -> ScalarSelect[int]:
    """The number of rows, or ``most`` + 1 if there are more than ``most``."""
    return select(func.count()).select_from(statement.limit(most + 1).subquery()).scalar_subquery()


def in_words(number: int, most: int = MOST) -> str:
    """A number that ``up_to`` counted: "12", or "more than 1,000"."""
    return f"{number:,}" if number <= most else f"more than {most:,}"

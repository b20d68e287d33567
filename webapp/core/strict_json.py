"""JSON that says one thing: a key that occurs twice is refused, since each reader may take another of its values."""

import json
from typing import Any


class DoubleKeyError(ValueError):
    """An object has the key twice."""


def loads(text: str | bytes) -> Any:
    """Raises ValueError: not JSON, or (DoubleKeyError) ambiguous."""
    return json.loads(text, object_pairs_hook=_unambiguous)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        raise DoubleKeyError(f"the key {next(name for name in names if names.count(name) > 1)!r} occurs twice")
    return found

"""What an address or a form may contain: ids and text that every database can store."""

from datetime import UTC, datetime

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter, Map

LARGEST_ID = 2**31 - 1


class IdConverter(IntegerConverter):
    """``<id:…>`` in a route: a number that can be a row's id; any other is 404."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=LARGEST_ID)


def row_id(text: str) -> int:
    """For ``request.args.get(…, type=row_id)``. Raises ValueError for what cannot be a row's id."""
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError(f"{number} cannot be an id")
    return number


def moment(text: str) -> datetime:
    """The same for a time with its zone, as ISO 8601. Raises ValueError for any other text."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None or not 1970 <= found.year < 9999:  # beyond, some zones and databases have no such time
        raise ValueError(f"{text} is no time")
    return found.astimezone(UTC)


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = IdConverter
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    """No keyboard types NUL, PostgreSQL cannot store it, and it is not valid in HTML."""
    texts = [request.path, *request.args.values(), *request.form.values()]
    if any("\x00" in text for text in texts):
        abort(400)

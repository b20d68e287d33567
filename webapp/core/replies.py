"""What a route may return."""

from werkzeug.wrappers import Response

Reply = str | Response | tuple[str | dict[str, str], int] | tuple[str, int, dict[str, str]]

"""``python -m webapp.core.settings_table`` prints docs/settings.md: every setting, from the fields."""

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from webapp.core.config import ELSEWHERE, Settings

HEAD = """# Settings

Each setting is an environment variable, read once at the start. An empty one counts as not given. If any are wrong, the program does not
start and names all of them. This page is generated: change the fields in `webapp/core/config.py`, then run `make settings`.
"""  # noqa: E501
COLUMNS = "| Variable | Meaning | Default |\n| --- | --- | --- |"
OTHERS = """
## Read by other programs
"""


def page() -> str:
    fields = Settings.model_fields.items()
    ours = [_row(name.upper(), field.description or "", _default(field)) for name, field in fields]
    others = [_row(name, *texts) for name, texts in ELSEWHERE.items()]
    return "\n".join([HEAD, COLUMNS, *ours, OTHERS, COLUMNS, *others]) + "\n"


def names() -> Iterator[str]:
    """All variables on the page."""
    yield from (name.upper() for name in Settings.model_fields)
    yield from ELSEWHERE


def _row(name: str, meaning: str, default: str) -> str:
    return f"| `{name}` | {meaning} | {default} |"


def _default(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra["shown"]:
        return str(extra["shown"])
    if isinstance(field.default, bool):
        return f"`{field.default:d}`"
    return f"`{field.default}`" if field.default != "" else "none"


if __name__ == "__main__":
    print(page(), end="")

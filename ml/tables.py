"""Tables as people save them: the one reader of every CSV file.

UTF-8 with or without a byte order mark, and UTF-16; separated by comma, semicolon or tab, or as a first line `sep=;`
says. A name is one name however it is composed (Unicode NFC), and whatever invisible characters stand around it.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

_SEPARATORS: Final = ",;\t"
_SEP_LINE: Final = re.compile(r'\s*"?sep=(.)"?\s*\Z', re.IGNORECASE)
# Zero-width space, non-joiner and joiner, word joiner, byte order mark.
_INVISIBLE: Final = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff")
_UTF_16: Final = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class TableError(ValueError):
    """A table that cannot be read; the message names the row, as a text editor counts them."""


class Row(NamedTuple):
    """`number`: the line of the file where it ends, counted from 1; `fields` by column, in lower case."""

    number: int
    fields: Mapping[str, str]


def read_table(content: bytes, required: Sequence[str]) -> Iterator[Row]:
    """The rows that are not blank. Raises `TableError`, also while rows are taken.

    Columns that nobody asked for are kept. Of two columns with one name the values must agree.
    """
    text, before, separator = _separated(_decoded(content), required)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = [_clean(name).lower() for name in next(reader, [])]
        if absent := [name for name in required if name not in columns]:
            raise TableError(f"Row {before + 1}: the header lacks the column {', '.join(absent)}.")
        for fields in reader:
            cleaned = [_clean(field) for field in fields]
            if any(cleaned):
                number = before + reader.line_num
                yield Row(number, _by_column(columns, cleaned, number))
    except csv.Error as error:
        raise TableError(f"Row {before + reader.line_num}: {error}.") from error


def _decoded(content: bytes) -> str:
    encoding = _UTF_16.get(content[:2]) or _utf_16_without_mark(content) or "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        cause = "a character is neither UTF-8 nor UTF-16. Save the file as “CSV UTF-8”"
        raise TableError(f"Row {row}: {cause}.") from error


def _utf_16_without_mark(content: bytes) -> str | None:
    """Half of the bytes of plain letters are zero then."""
    start = content[:200]
    if not start or b"\0" not in start:
        return None
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"


def _separated(text: str, required: Sequence[str]) -> tuple[str, int, str]:
    """The table proper, how many lines stand before it, and its separator: the one that finds the columns."""
    first, _, rest = text.partition("\n")
    if said := _SEP_LINE.match(first):
        return rest, 1, said.group(1)
    names = {separator: {_clean(name).lower() for name in _header(text, separator)} for separator in _SEPARATORS}
    return text, 0, max(names, key=lambda separator: (len(names[separator] & set(required)), len(names[separator])))


def _header(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:  # said when the table is read
        return []


def _clean(field: str) -> str:
    """`strip` takes no-break spaces too."""
    if field.isascii():
        return field.strip()
    return unicodedata.normalize("NFC", field.translate(_INVISIBLE)).strip()


def _by_column(columns: Sequence[str], fields: Sequence[str], number: int) -> dict[str, str]:
    if len(fields) < len(columns):
        raise TableError(f"Row {number}: {len(fields)} fields are too few; the header has {len(columns)}.")
    if any(fields[len(columns) :]):
        raise TableError(f"Row {number}: {len(fields)} fields are too many; the header has {len(columns)}.")
    row: dict[str, str] = {}
    for column, field in zip(columns, fields, strict=False):
        if column and row.setdefault(column, field) != field:
            said = f"{row[column]!r} and {field!r}"
            raise TableError(f"Row {number}: ambiguous, because two columns named {column} say {said}.")
    return row

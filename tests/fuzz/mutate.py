"""Small damage to bytes and texts, from a seeded generator."""

import random
from collections.abc import Callable, Sequence

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (
    "",
    " ",
    "\x00",
    "\u200b",
    "\ufeff",
    "\u202e",
    "𝕏",
    "ﷺ",
    "e\u0301",
    "-1",
    "0",
    "1e400",
    "nan",
    "inf",
    "2147483648",
)
ODD = (
    *WORDS,
    "' OR 1=1 --",
    "<b>x</b>",
    "{{ 7 * 7 }}",
    "../../etc/passwd",
    "\r\nSet-Cookie: a=b",
    "%00",
    "%s%n",
    "=1+1",
    "9" * 400,
    "x" * 70_000,
    "2026-02-30",
    "0001-01-01T00:00:00+00:00",
    "1e308~9223372036854775808~1",
    "[]",
    '{"a": 1}',
    "[[[[[[",
    "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
)


def damaged(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """The bytes with one to six kinds of damage."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        chance.choice(_WAYS)(found, others, chance)
    return bytes(found)


def text(chance: random.Random) -> str:
    """Something that nobody would type."""
    return "".join(chance.choice(ODD) for _ in range(chance.choice((1, 1, 1, 2))))


def _flip(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _number(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    size = chance.choice((1, 2, 4))
    at = chance.randrange(len(data) + 1)
    value = chance.choice(NUMBERS) & ((1 << 8 * size) - 1)
    data[at : at + size] = value.to_bytes(size, chance.choice(("big", "little")))


def _header(data: bytearray, others: Sequence[bytes], chance: random.Random) -> None:
    """The same near the beginning, where sizes and kinds stand."""
    head = data[:64]
    _number(head, others, chance)
    data[:64] = head


def _drop(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    del data[at : at + chance.choice((1, 4, 512, 4096))]


def _end(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _zero(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    at, size = chance.randrange(len(data) + 1), chance.choice((4, 512, 4096))
    data[at : at + size] = bytes(len(data[at : at + size]))


def _again(data: bytearray, _others: Sequence[bytes], chance: random.Random) -> None:
    at, size = chance.randrange(len(data) + 1), chance.choice((1, 16, 512))
    data[at:at] = data[at : at + size] * chance.randint(1, 4)


def _splice(data: bytearray, others: Sequence[bytes], chance: random.Random) -> None:
    other = chance.choice(others)
    at, start = chance.randrange(len(data) + 1), chance.randrange(len(other) + 1)
    data[at : at + chance.choice((0, 16, 512))] = other[start : start + chance.choice((8, 64, 1024))]


_WAYS: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _flip,
    _flip,
    _number,
    _header,
    _header,
    _drop,
    _end,
    _zero,
    _again,
    _splice,
)

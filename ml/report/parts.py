"""Building blocks of the report: sections of sentences, tables and drawings, as HTML, Markdown or plain text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows are shown by `cell`."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Drawing:
    """An SVG, which only the HTML page shows."""

    svg: str


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[str | Table | Drawing]


def html(section: Section) -> str:
    return f"<h2>{escape(section.title)}</h2>" + "".join(_html(block) for block in section.blocks)


def _html(block: str | Table | Drawing) -> str:
    if isinstance(block, str):
        return f"<p>{escape(block)}</p>"
    if isinstance(block, Drawing):
        return block.svg
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in block.head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell(value))}</td>" for value in row) + "</tr>" for row in block.rows
    )
    return f"<div><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"


def markdown(section: Section) -> str:
    blocks = (_markdown(block) for block in section.blocks if not isinstance(block, Drawing))
    return "\n\n".join([f"## {section.title}", *blocks])


def _markdown(block: str | Table) -> str:
    if isinstance(block, str):
        return block
    lines = [block.head, ["---"] * len(block.head), *([cell(value) for value in row] for row in block.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(section: Section) -> str:
    """For a terminal: columns as wide as their widest cell."""
    blocks = (_text(block) for block in section.blocks if not isinstance(block, Drawing))
    return "\n".join([f"{section.title}", *blocks])


def _text(block: str | Table) -> str:
    if isinstance(block, str):
        return f"  {block}"
    lines = [list(block.head), *([cell(value) for value in row] for row in block.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  " + "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def cell(value: object) -> str:
    """Floats to three decimals, None as "n/a", a {value, low, high} as `estimate`, anything else as text."""
    if value is None:
        return "n/a"
    if isinstance(value, Mapping):
        return estimate(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}" if value == 0 or abs(value) >= 0.001 else f"{value:.1e}"
    return str(value)


def estimate(figure: Document | None, decimals: int = 3) -> str:
    """A figure with its interval: "0.912 (0.870 to 0.950)"."""
    if figure is None or figure.get("value") is None:
        return "n/a"
    value = f"{figure['value']:.{decimals}f}"
    if figure.get("low") is None:
        return value
    return f"{value} ({figure['low']:.{decimals}f} to {figure['high']:.{decimals}f})"

"""Building blocks of the report: sections, tables, numbers as text."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

Document = Mapping[str, Any]
Section = Callable[[Document], str]


def section(title: str, *parts: str) -> str:
    """A heading, then the parts, which are already HTML."""
    return f"<h2>{escape(title)}</h2>" + "".join(parts)


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Floats to three decimals, None as "n/a", anything else as escaped text."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell(value))}</td>" for value in row) + "</tr>" for row in rows)
    return f"<div><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"


def cell(value: object) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.3f}" if value == 0 or abs(value) >= 0.001 else f"{value:.1e}"
    return str(value)


def estimate(figure: Document | None, decimals: int = 3) -> str:
    """A figure with its interval: "0.912 (0.870 to 0.950)"."""
    if figure is None or figure["value"] is None:
        return "n/a"
    value = f"{figure['value']:.{decimals}f}"
    if figure["low"] is None:
        return value
    return f"{value} ({figure['low']:.{decimals}f} to {figure['high']:.{decimals}f})"

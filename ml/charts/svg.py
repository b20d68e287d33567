"""matplotlib's SVG made fit for a page: the same bytes every time, no outside reference, a title for screen readers."""

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.figure import Figure

_SVG: Final = "http://www.w3.org/2000/svg"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
# Text stays text; the salt fixes the ids that matplotlib would otherwise draw at random.
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dermtriage",
    "font.sans-serif": ["DejaVu Sans", "Arial"],
    "font.size": 9,
    "lines.linewidth": 1.5,
}
_URL: Final = re.compile(r"url\(#([^)]+)\)")
_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@contextmanager
def drawn() -> Iterator[None]:
    """matplotlib's own defaults, whatever the user's configuration says, and the style of these charts."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def embeddable(figure: Figure, title: str, description: str) -> str:
    """The figure as an `<svg>` element that can share an HTML page with others. Call it within `drawn`."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=_NO_METADATA)
    root = ElementTree.fromstring(file.getvalue())  # noqa: S314 - written a line above
    prefix = f"c{hashlib.sha256(f'{title}{file.getvalue()}'.encode()).hexdigest()[:10]}-"
    _tidy(root)
    _own_ids(root, prefix)
    _name(root, prefix, title, description)
    ElementTree.register_namespace("", _SVG)  # for the whole process: another library may have given it a prefix
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(root: ElementTree.Element) -> None:
    """Without indentation, metadata, or the style sheet, which would reach the whole page."""
    for element in list(root.iter()):
        for child in list(element):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                element.remove(child)
            child.tail = None
        if element.text and not element.text.strip():
            element.text = None
    root.set("stroke-linejoin", "round")


def _own_ids(root: ElementTree.Element, prefix: str) -> None:
    """Keep only the ids that something refers to, with a prefix that no other chart has."""
    used: set[str] = set()
    for element in root.iter():
        if reference := element.attrib.pop(_HREF, ""):
            used.add(reference[1:])
            element.set("href", f"#{prefix}{reference[1:]}")
        for name, value in element.attrib.items():
            used.update(_URL.findall(value))
            element.set(name, _URL.sub(rf"url(#{prefix}\1)", value))
    for element in root.iter():
        if (name := element.attrib.pop("id", "")) in used:
            element.set("id", prefix + name)


def _name(root: ElementTree.Element, prefix: str, title: str, description: str) -> None:
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}title")
    root.set("aria-describedby", f"{prefix}desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{prefix}{tag}"})
        element.text = text
        root.insert(place, element)

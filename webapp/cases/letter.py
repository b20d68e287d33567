"""The PDF letter of an answered case: made on request, never stored."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path

from flask import current_app, render_template

from webapp.cases import queries
from webapp.cases.marked import marked_images
from webapp.core.database import pause
from webapp.intake.gate import admitted
from webapp.models import Case, utcnow
from webapp.storage.store import current_store
from webapp.triage import switch

STYLE = "css/letter.css"
LAYOUTS = ("roomy", "compact", "dense")
"""Classes of the page's body, see STYLE: a letter has the first in which it fits one page."""
LONGEST_SIDE = 1200
"""In pixels: sharp at 110 mm on paper."""


class NoLetterError(Exception):
    """The case has no answer to put into a letter."""


class LetterUnavailableError(Exception):
    """This server lacks the libraries that WeasyPrint needs to draw text."""


def pdf_of(case: Case) -> bytes:
    """A tagged PDF with images, findings and decision.

    Ends the transaction before images are read and the letter drawn, which takes a second and memory like an upload.
    Raises NoLetterError, LetterUnavailableError, BusyError, or StorageError for an image that cannot be read.
    """
    if not case.has_letter:
        raise NoLetterError
    store, review = current_store(), case.standing_review
    page = render_template(
        "letters/letter.html",
        case=case,
        review=review,
        head=queries.letterhead(),
        layout=LAYOUTS[0],
        marked=marked_images(review),
        images=[_place_of(image.position) for image in case.images],
        made_at=utcnow(),
        without_model=review is not None and switch.was_off(review.decided_at),
    )
    objects = [(_place_of(image.position), image.key, image.sha256) for image in case.images]
    pause()
    with admitted():
        for place, key, sha256 in objects:
            page = page.replace(f'"{place}"', f'"{_printable(store.get(key, sha256))}"')
        return _drawn(page, Path(current_app.static_folder or "") / STYLE)


def _place_of(position: int) -> str:
    """What stands for an image until it is read."""
    return f"data:image/jpeg;base64,#{position}"


def _printable(data: bytes) -> str:
    """A stored image as a data URL of a JPEG no larger than print needs."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        image.convert("RGB").save(buffer, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"


def _drawn(page: str, style: Path) -> bytes:
    try:
        from weasyprint import CSS, HTML  # imported on first use: it takes a second and needs Pango
        from weasyprint.urls import URLFetcher
    except OSError as error:
        raise LetterUnavailableError(str(error)) from error
    nothing_foreign = URLFetcher(allowed_protocols={"data"})
    sheet = CSS(string=style.read_text(encoding="utf-8"), url_fetcher=nothing_foreign)
    best = None
    for layout in LAYOUTS:
        text = page.replace(_body(LAYOUTS[0]), _body(layout))
        drawn = HTML(string=text, url_fetcher=nothing_foreign).render(stylesheets=[sheet], pdf_variant="pdf/ua-1")
        if best is None or len(drawn.pages) < len(best.pages):
            best = drawn
        if len(best.pages) == 1:
            break
    pdf: bytes = best.write_pdf(pdf_variant="pdf/ua-1") if best is not None else b""
    return pdf


def _body(layout: str) -> str:
    return f'<body class="{layout}">'

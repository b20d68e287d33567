"""The only way a patient's image leaves the store, alone or in a letter: by scoped queries only, and audited."""

import logging

from flask import Blueprint, Response, abort, flash, redirect, url_for
from flask_login import current_user
from werkzeug.exceptions import ServiceUnavailable

from webapp import audit
from webapp.cases import answers, blindness, queries
from webapp.cases import letter as letters
from webapp.cases.service import CaseChangedError
from webapp.core.overload import RETRY_SECONDS, BusyError
from webapp.core.replies import Reply
from webapp.models import Finding, Image
from webapp.storage.errors import StorageError
from webapp.storage.store import current_store
from webapp.triage import switch

JPEG = b"\xff\xd8"

log = logging.getLogger(__name__)

blueprint = Blueprint("media", __name__, url_prefix="/media")


def _serve(key: str, media_type: str, sha256: str | None = None) -> Response:
    store = current_store()
    try:
        data = store.get(key, sha256)
    except StorageError as error:
        log.error("image store: %s", error)
        abort(503)
    return Response(data, mimetype=media_type, headers={"Content-Disposition": "inline"})


def _image(image_id: int) -> Image:
    return queries.image_of(current_user, image_id) or abort(404)


@blueprint.get("/images/<id:image_id>")
def image(image_id: int) -> Response:
    found = _image(image_id)
    audit.record(current_user, "image.viewed", found)
    return _serve(found.key, found.media_type, found.sha256)


@blueprint.get("/images/<id:image_id>/preview")
def preview(image_id: int) -> Response:
    """The image for a screen, in a tenth of the bytes; the whole one where there is no preview."""
    found = _image(image_id)
    audit.record(current_user, "preview.viewed", found)
    if found.preview_key:
        return _serve(found.preview_key, "image/webp")
    return _serve(found.key, found.media_type, found.sha256)


@blueprint.get("/images/<id:image_id>/thumbnail")
def thumbnail(image_id: int) -> Response:
    found = _image(image_id)
    audit.record_now_and_then(current_user, "thumbnail.viewed", found)
    response = _serve(found.thumbnail_key, "image/webp")
    if response.get_data().startswith(JPEG):  # sent before thumbnails became WebP
        response.mimetype = "image/jpeg"
    return response


@blueprint.get("/heatmaps/<id:finding_id>")
def heatmap(finding_id: int) -> Response:
    """A small grey PNG, strongest = 255, that fits the analysed square of its image."""
    found: Finding = queries.finding_of(current_user, finding_id) or abort(404)
    if switch.is_off() or blindness.hides_model(current_user, found.analysis.image.case):
        abort(404)
    audit.record(current_user, "heatmap.viewed", found)
    return _serve(found.heatmap_key or abort(404), "image/png")


@blueprint.get("/letters/<number>.pdf")
def letter(number: str) -> Reply:
    """The answer with its images, to print or file. For a GP, downloading it opens the answer."""
    case = queries.find(current_user, number) or abort(404)
    if first := blindness.what_comes_first(current_user, case):
        flash(first, "warning")
        return redirect(url_for("review.show", number=number))
    review_id = case.standing_review.id if case.standing_review else 0
    try:
        pdf = letters.pdf_of(case)
        answers.hand_out_letter(current_user, number, review_id)
    except letters.NoLetterError:
        abort(404)
    except CaseChangedError:
        abort(409)
    except BusyError as busy:
        raise ServiceUnavailable(retry_after=RETRY_SECONDS) from busy
    except (letters.LetterUnavailableError, StorageError) as error:
        log.error("letter of case %s: %s", number, error)
        abort(503)
    disposition = f"attachment; filename=letter-{number}.pdf"
    return Response(pdf, mimetype="application/pdf", headers={"Content-Disposition": disposition})

"""Setting the scale of an image. The viewer's script sends it, so that an unfinished decision stays on the page."""

from flask import Blueprint, abort
from flask_login import current_user

from webapp.cases import queries
from webapp.core.replies import Reply
from webapp.review import scale
from webapp.review.forms import ScaleForm
from webapp.review.scale import ScaleError

blueprint = Blueprint("scale", __name__, url_prefix="/review")


@blueprint.post("/images/<id:image_id>/scale")
def set_scale(image_id: int) -> Reply:
    image, form = queries.image_of(current_user, image_id) or abort(404), ScaleForm()
    try:
        scale.set_scale(current_user._get_current_object(), image, form.mm.data or 0, form.pixels.data or 0)
    except ScaleError as error:
        return {"error": str(error)}, 422
    return {"mm_per_pixel": str(image.mm_per_pixel), "words": scale.in_words(image)}, 200

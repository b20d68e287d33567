"""Help for the user's own role."""

from flask import Blueprint, render_template
from flask_login import current_user

blueprint = Blueprint("help", __name__)


@blueprint.get("/help")
def page() -> str:
    return render_template(f"help/{current_user.role.value}.html")

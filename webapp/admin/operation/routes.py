"""The administrator's pages on how the program runs."""

from flask import Blueprint, render_template

from webapp.admin.operation import status
from webapp.models import utcnow

blueprint = Blueprint("operation", __name__, url_prefix="/admin")


@blueprint.get("/service")
def service() -> str:
    return render_template("admin/service.html", checks=status.checks(), now=utcnow())

"""The administrator's reports: the dashboard."""

from flask import Blueprint, current_app, render_template, request

from webapp.admin.reports import facts, queries
from webapp.admin.reports.dashboard import PERIODS, Dashboard, beginning
from webapp.models import utcnow
from webapp.parameters import row_id

blueprint = Blueprint("reports", __name__, url_prefix="/admin")


@blueprint.get("/dashboard")
def dashboard() -> str:
    """The cases sent in a period; anything unknown in the address means the usual period and the results in force."""
    days = request.args.get("days", type=int)
    days = days if days in PERIODS else next(iter(PERIODS))
    versions = queries.versions()
    asked = request.args.get("version", type=row_id)
    version_id = asked if any(version.id == asked for version in versions) else None
    zone = current_app.extensions["settings"].timezone
    since = beginning(days, zone, utcnow())
    return render_template(
        "admin/dashboard.html",
        dashboard=Dashboard(facts.gather(since, version_id), days, since, zone),
        periods=PERIODS,
        versions=versions,
        version_id=version_id,
    )

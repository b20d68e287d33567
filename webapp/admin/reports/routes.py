"""The administrator's reports: dashboard and export."""

from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask_login import current_user

from webapp.admin import queries
from webapp.admin.reports import export, facts
from webapp.admin.reports.columns import COLUMNS
from webapp.admin.reports.dashboard import PERIODS, Dashboard, steps
from webapp.admin.reports.forms import ExportForm
from webapp.core.config import current_settings, settings_of
from webapp.core.parameters import row_id
from webapp.models import utcnow

blueprint = Blueprint("reports", __name__, url_prefix="/admin")


@blueprint.get("/dashboard")
def dashboard() -> str:
    """The cases sent in a period; anything unknown in the address means the default period and the results in force."""
    days = request.args.get("days", type=int)
    days = days if days in PERIODS else next(iter(PERIODS))
    versions = queries.versions()
    asked = request.args.get("version", type=row_id)
    version_id = asked if any(version.id == asked for version in versions) else None
    zone = current_settings().timezone
    begins = steps(days, zone, utcnow())
    return render_template(
        "admin/dashboard.html",
        dashboard=Dashboard(facts.gather(begins, version_id), days, begins),
        periods=PERIODS,
        versions=versions,
        version_id=version_id,
    )


@blueprint.get("/export")
def export_page() -> str:
    return _export_page(_export_form())


@blueprint.get("/export.csv")
def export_csv() -> Response | tuple[str, int]:
    form = _export_form()
    if not form.validate():
        return _export_page(form), 422
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    zone = settings_of(app).timezone
    scope = export.Scope(form.begin(zone), form.end(zone), form.centre_id.data)
    text = export.begin(app, current_user, scope)
    name = f"dermtriage-cases-{utcnow().astimezone(zone):%Y-%m-%d}.csv"
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": f"attachment; filename={name}"})


def _export_form() -> ExportForm:
    form = ExportForm(request.args)
    form.offer_centres()
    return form


def _export_page(form: ExportForm) -> str:
    return render_template("admin/export.html", form=form, columns=COLUMNS)

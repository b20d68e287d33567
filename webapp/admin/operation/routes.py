"""The administrator's pages on how the program runs."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ml.patterns import Lesion
from webapp.admin.operation import queries, questions, reruns, status
from webapp.admin.operation import service as operation
from webapp.admin.operation.forms import OperatingPointForm, PrevalenceForm, SwitchForm
from webapp.admin.operation.thresholds import Expectation, local, offers
from webapp.analysis import cards
from webapp.core.confirm import ConfirmForm, ask, confirmed
from webapp.core.replies import Reply
from webapp.models import ModelVersion, utcnow
from webapp.triage import switch

blueprint = Blueprint("operation", __name__, url_prefix="/admin")


@blueprint.app_context_processor
def model_switch() -> dict[str, object]:
    """For every page: since when the model is off, if it is."""
    return {"model_off": switch.off}


@blueprint.get("/service")
def service() -> str:
    return render_template("admin/service.html", checks=status.checks(), now=utcnow())


@blueprint.get("/threshold")
def thresholds() -> tuple[str, int]:
    return _threshold_page(PrevalenceForm(request.args), OperatingPointForm(formdata=None))


@blueprint.post("/threshold")
def choose_threshold() -> Reply:
    version = queries.active_version() or abort(404)
    form = OperatingPointForm()
    form.offer(offers(version))
    if not form.validate():
        return _threshold_page(PrevalenceForm(formdata=None), form)
    point = version.point(float(form.target_sensitivity.data)) or abort(404)
    if point == version.operating_point:
        flash("This operating point is in use already.", "info")
        return redirect(url_for("operation.thresholds"))
    if not confirmed():
        return ask(questions.about_point(version.operating_point, point))
    operation.choose_point(current_user, version, point.target_sensitivity)
    flash(
        f"Operating point saved. The model now suspects BCC from a probability of {point.threshold * 100:.1f} %.",
        "success",
    )
    return redirect(url_for("operation.thresholds"))


def _threshold_page(local_form: PrevalenceForm, form: OperatingPointForm) -> tuple[str, int]:
    version, here = queries.active_version(), local()
    offered = offers(version) if version is not None else []
    if version is not None:
        form.offer(offered)
        if not form.errors and version.operating_point:
            form.target_sensitivity.data = str(version.operating_point.target_sensitivity)
    typed = (
        local_form.prevalence.data / 100 if local_form.validate() and local_form.prevalence.data is not None else None
    )
    prevalence = typed if typed is not None else here.prevalence.value if here.prevalence else None
    page = render_template(
        "admin/thresholds.html",
        version=version,
        local=here,
        local_form=local_form,
        form=form,
        offers=offered,
        measured=_measured(version),
        expectations=[]
        if prevalence is None
        else [Expectation(o.point, prevalence, here.cases_per_day) for o in offered],
    )
    return page, 422 if form.errors or local_form.errors else 200


def _measured(version: ModelVersion | None) -> list[tuple[str, object]]:
    """(name, what the card's own threshold achieved on one collection)."""
    bcc = cards.target(version, Lesion.BCC.target)
    return [(bcc.label, promise) for promise in bcc.promises] if bcc else []


@blueprint.get("/models")
def models() -> str:
    return _models_page("admin/models.html")


@blueprint.get("/models/progress")
def rerun_status() -> str:
    """The part of the page that updates itself."""
    return _models_page("admin/_versions.html")


def _models_page(template: str) -> str:
    facts = {"rows": reruns.versions(), "rerun": reruns.status(), "switches": queries.switches()}
    return render_template(template, **facts, confirm=ConfirmForm())


@blueprint.post("/models/off")
def switch_off() -> Reply:
    return _switch(off=True)


@blueprint.post("/models/on")
def switch_on() -> Reply:
    return _switch(off=False)


def _switch(*, off: bool) -> Reply:
    now, form = "off" if off else "on", SwitchForm()
    if switch.is_off() is not off:
        if not confirmed() or not form.validate():
            return ask(questions.about_switching(off=off), form)
        if operation.switch_model(current_user._get_current_object(), off=off, reason=form.reason.data):
            flash(f"The model is switched {now}.", "success")
            return redirect(url_for("operation.models"))
    flash(f"The model is switched {now} already.", "info")
    return redirect(url_for("operation.models"))


@blueprint.post("/models/<id:version_id>/rerun")
def start_rerun(version_id: int) -> Reply:
    version = queries.version(version_id) or abort(404)
    try:
        if not confirmed():
            return ask(questions.about_rerun(version, reruns.images_for(version)))
        reruns.start(current_user, version)
    except reruns.NotNowError:
        flash(
            "Not started: another re-run is in progress, or this model is not loaded or switched off.",
            "danger",
        )
    except reruns.NothingToDoError:
        flash("Nothing to do: this model has analysed every earlier image, or is about to.", "info")
    else:
        flash("The re-run has started. New uploads go first.", "success")
    return redirect(url_for("operation.models"))


@blueprint.post("/models/stop")
def stop_rerun() -> Response:
    reruns.stop(current_user)
    flash("The re-run has been stopped. Results so far are kept.", "success")
    return redirect(url_for("operation.models"))

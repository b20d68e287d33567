"""Who may call which endpoint: one table, deny by default.

A test compares the table with the routes in both directions, so an endpoint without a decision cannot be shipped.
Which rows a caller may see is not decided here but in the query modules; a foreign id is 404 there.
"""

from flask import Flask, abort, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.accounts import second_factor, sessions
from webapp.database import READ_METHODS
from webapp.models import Role

PUBLIC = None
NOBODY: frozenset[Role] = frozenset()
SIGNED_IN = frozenset(Role)
GP = frozenset({Role.GP})
DERMATOLOGIST = frozenset({Role.DERMATOLOGIST})
CLINICIANS = GP | DERMATOLOGIST
ADMIN = frozenset({Role.ADMIN})

ACCESS: dict[str, frozenset[Role] | None] = {
    "static": PUBLIC,
    "bootstrap.static": PUBLIC,
    "health.live": PUBLIC,
    "health.ready": PUBLIC,
    "metrics.show": PUBLIC,  # it asks for a token of its own, and is not there without one
    "security.login": PUBLIC,
    "security.logout": SIGNED_IN,
    "security.forgot_password": PUBLIC,
    "security.reset_password": PUBLIC,
    "security.static": NOBODY,
    "security.verify": SIGNED_IN,
    "security.change_password": SIGNED_IN,
    "security.two_factor_setup": PUBLIC,
    "security.two_factor_setup_validate": NOBODY,
    "security.two_factor_token_validation": PUBLIC,
    "security.two_factor_rescue": NOBODY,
    "security.tf_select": NOBODY,
    "security.mf_recovery": PUBLIC,
    "security.mf_recovery_codes": SIGNED_IN,
    "accounts.home": SIGNED_IN,
    "accounts.profile": SIGNED_IN,
    "accounts.sign_out_elsewhere": SIGNED_IN,
    "accounts.time_left": SIGNED_IN,
    "accounts.stay": SIGNED_IN,
    "help.page": SIGNED_IN,
    "cases.index": GP,
    "cases.updates": GP,
    "cases.new": GP,
    "cases.check_image": GP,
    "cases.show": GP,
    "cases.status": GP,
    "cases.close": GP,
    "cases.follow": GP,
    "cases.add_images": GP,
    "cases.withdraw": GP,
    "histology.enter": CLINICIANS,
    "media.image": CLINICIANS,
    "media.thumbnail": CLINICIANS,
    "media.heatmap": CLINICIANS,
    "media.letter": CLINICIANS,
    "review.worklist": DERMATOLOGIST,
    "review.decided": DERMATOLOGIST,
    "claims.claim": DERMATOLOGIST,
    "claims.release": DERMATOLOGIST,
    "claims.take_over": DERMATOLOGIST,
    "claims.next_case": DERMATOLOGIST,
    "review.show": DERMATOLOGIST,
    "review.impression": DERMATOLOGIST,
    "review.reading_mode": DERMATOLOGIST,
    "review.decide": DERMATOLOGIST,
    "opinions.index": DERMATOLOGIST,
    "opinions.ask": DERMATOLOGIST,
    "opinions.give": DERMATOLOGIST,
    "opinions.acknowledge": DERMATOLOGIST,
    "changes.undo": DERMATOLOGIST,
    "changes.amend": DERMATOLOGIST,
    "admin.accounts": ADMIN,
    "admin.invite": ADMIN,
    "admin.account": ADMIN,
    "admin.link": ADMIN,
    "admin.disable": ADMIN,
    "admin.enable": ADMIN,
    "admin.reset_second_factor": ADMIN,
    "admin.centres": ADMIN,
    "admin.add_centre": ADMIN,
    "admin.centre": ADMIN,
    "admin.management": ADMIN,
    "admin.audit_log": ADMIN,
    "operation.service": ADMIN,
    "operation.models": ADMIN,
    "operation.rerun_progress": ADMIN,
    "operation.start_rerun": ADMIN,
    "operation.stop_rerun": ADMIN,
    "operation.thresholds": ADMIN,
    "operation.choose_threshold": ADMIN,
    "reports.dashboard": ADMIN,
    "reports.export_page": ADMIN,
    "reports.export_csv": ADMIN,
}


def init_app(app: Flask) -> None:
    app.before_request(check_access)


def check_access() -> Response | None:
    """Turn away whoever the table does not let in; an endpoint the table does not name lets nobody in."""
    if request.endpoint is None:
        return None  # no such page, or no such method: routing answers
    allowed = ACCESS.get(request.endpoint, NOBODY)
    if allowed is PUBLIC:
        return None
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    if current_user.role not in allowed:
        abort(403)
    if second_factor.still_missing(current_user) and request.endpoint not in second_factor.SETTING_UP:
        return redirect(url_for("security.two_factor_setup"))
    return None


def _ask_to_sign_in() -> Response:
    """A page is shown after signing in; what was sent in a form cannot be, so the answer says how to save it."""
    if request.method not in READ_METHODS:
        abort(401)
    if sessions.ended_by_time():
        flash("You were signed out because of inactivity. Please sign in again.", "info")
    return redirect(url_for("security.login", next=request.full_path))

"""Who may call which endpoint: one table, deny by default.

A test compares the table with the routes in both directions, so no endpoint is shipped without a decision. Which rows
a caller may see is decided in the query modules; a foreign id is 404 there.
"""

from collections.abc import Callable

from flask import Flask, abort, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.database import READ_METHODS
from webapp.core.roles import Role

PUBLIC = None
NOBODY: frozenset[Role] = frozenset()
SIGNED_IN = frozenset(Role)
GP = frozenset({Role.GP})
DERMATOLOGIST = frozenset({Role.DERMATOLOGIST})
CLINICIANS = GP | DERMATOLOGIST
ADMIN = frozenset({Role.ADMIN})

ACCESS: dict[str, frozenset[Role] | None] = {
    "static": PUBLIC,
    "health.live": PUBLIC,
    "health.ready": PUBLIC,
    "metrics.show": PUBLIC,  # asks for its own token, and does not exist without one
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
    "additions.add": GP,
    "corrections.page": CLINICIANS,
    "corrections.reference": CLINICIANS,
    "corrections.void": CLINICIANS,
    "histology.enter": CLINICIANS,
    "media.image": CLINICIANS,
    "media.preview": CLINICIANS,
    "media.thumbnail": CLINICIANS,
    "media.heatmap": CLINICIANS,
    "media.letter": CLINICIANS,
    "review.worklist": DERMATOLOGIST,
    "review.news": DERMATOLOGIST,
    "review.preview": DERMATOLOGIST,
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
    "scale.set_scale": DERMATOLOGIST,
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
    "options.management": ADMIN,
    "options.letterhead": ADMIN,
    "admin.audit_log": ADMIN,
    "operation.service": ADMIN,
    "operation.models": ADMIN,
    "operation.rerun_status": ADMIN,
    "operation.start_rerun": ADMIN,
    "operation.stop_rerun": ADMIN,
    "operation.switch_off": ADMIN,
    "operation.switch_on": ADMIN,
    "operation.thresholds": ADMIN,
    "operation.choose_threshold": ADMIN,
    "reports.dashboard": ADMIN,
    "reports.export_page": ADMIN,
    "reports.export_csv": ADMIN,
}


def init_app(app: Flask, *, next_step: Callable[[], Response | None], signed_out: Callable[[], None]) -> None:
    """``next_step``: where to send somebody who is signed in but not finished signing in, for example without a second
    factor. ``signed_out``: tells somebody who is sent to the sign-in page why.
    """

    @app.before_request
    def check_access() -> Response | None:
        """Refuse whoever the table does not let in; an endpoint that is not in the table lets nobody in."""
        if request.endpoint is None:
            return None  # no such page, or no such method: routing answers
        allowed = ACCESS.get(request.endpoint, NOBODY)
        if allowed is PUBLIC:
            return None
        if not current_user.is_authenticated:
            return _ask_to_sign_in(signed_out)
        if current_user.role not in allowed:
            abort(403)
        return next_step()


def _ask_to_sign_in(signed_out: Callable[[], None]) -> Response:
    """A page can be shown after signing in; a form that was sent cannot, so the response says how to save it."""
    if request.method not in READ_METHODS:
        abort(401)
    signed_out()
    return redirect(url_for("security.login", next=request.full_path))

"""The queue that is worked: the filters and order of the worklist, in the address of every page of this room.

So the next case, the case after a decision and the way back stay inside what the reader chose, in each tab its own.
"""

from typing import Any

from flask import g, has_request_context, request
from flask_login import current_user

from webapp.accounts.queries import centres
from webapp.review.filters import FilterForm
from webapp.triage import switch

LIST = "review.worklist"
ROOM = ("review", "claims", "changes", "opinions")


def chosen() -> FilterForm:
    """As this request's address has them."""
    if "queue" not in g:
        told = {"blinded": current_user.reads_blinded, "model_off": switch.is_off()}
        g.queue = FilterForm.from_address(request.args, centres(), **told)
    form: FilterForm = g.queue
    return form


def keep(endpoint: str, values: dict[str, Any]) -> None:
    """Give an address of the room the queue of this request. On the worklist its own links choose another."""
    if not has_request_context() or request.blueprint not in ROOM or not request.args:
        return
    if endpoint != LIST or request.endpoint != LIST:
        for name, value in chosen().arguments.items():
            values.setdefault(name, value)

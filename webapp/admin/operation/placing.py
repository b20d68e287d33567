"""Placing cases anew, in portions, after another operating point was chosen or the model switched off or on.

Every case is looked at that is open once the change is stored: whoever placed one by what was in force before had
locked it by then.
"""

import time
from collections.abc import Sequence
from itertools import takewhile

from webapp.admin.operation import queries
from webapp.core.database import one_by_one, store_so_far
from webapp.models import Case, ModelSwitch, OperatingPointChoice
from webapp.triage import rank, reopen

PORTION = 200
AT_ONCE_SECONDS = 5.0
"""How long a request may place cases; the worker places what is left."""


def place_open_cases() -> int:
    """Place the next portion. Call repeatedly, inside a transaction. Returns how many cases were placed.

    A case locked by somebody is left for the next time, and so are those after it.
    """
    change = queries.choice_to_place_locked() or queries.switch_to_place_locked()
    if change is None or change.placed_up_to is None:
        return 0
    ids = _next(change, change.placed_up_to)
    cases = queries.cases_locked(ids)
    placed = [cases[case_id] for case_id in takewhile(cases.__contains__, ids)]
    one_by_one(placed, lambda case: _place(case, change), "placing a case")
    if len(placed) == len(ids) < PORTION:
        change.placed_up_to = None
    elif placed:
        change.placed_up_to = placed[-1].id
    return len(placed)


def place_at_once() -> None:
    """Inside a request: what can be placed within AT_ONCE_SECONDS, each portion stored as soon as it is."""
    until = time.monotonic() + AT_ONCE_SECONDS
    while time.monotonic() < until and place_open_cases() > 0:
        store_so_far()


def _place(case: Case, change: OperatingPointChoice | ModelSwitch) -> None:
    rank.refresh(case)
    if isinstance(change, ModelSwitch) and not change.off:
        reopen.after_switching_on(case)


def _next(change: OperatingPointChoice | ModelSwitch, after: int) -> Sequence[int]:
    """Ids of the next open cases; once the model is on again, also of those decided while it was off."""
    ids = queries.open_cases_after(after, PORTION)
    if isinstance(change, OperatingPointChoice) or change.off:
        return ids
    return sorted({*ids, *queries.decided_without_model_after(change, after, PORTION)})[:PORTION]

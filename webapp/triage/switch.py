"""The model's off-switch. While it is off, no image is analysed, and no result is used or shown: see `concern.result`.

Cases then stand by urgency and waiting time.
"""

from dataclasses import dataclass
from datetime import datetime

from webapp.core.extensions import db
from webapp.models import ModelSwitch
from webapp.triage import queries

KEPT = "model_switch"
"""Where a session keeps (transaction, Off or None) of the switch, read once in each transaction."""


@dataclass(frozen=True)
class Off:
    """Since when the model is off, who switched it off, and why."""

    since: datetime
    by: str
    reason: str


def off() -> Off | None:
    """None while the model is on."""
    session = db.session()
    transaction, known = session.info.get(KEPT, (None, None))
    if transaction is None or transaction is not session.get_transaction():
        return look_again()
    return known


def is_off() -> bool:
    return off() is not None


def look_again() -> Off | None:
    """The same, as it is now: for whoever has just locked a case."""
    session = db.session()
    with session.no_autoflush:
        last = queries.last_switch()
    found = Off(last.switched_at, last.switched_by.name, last.reason) if last is not None and last.off else None
    session.info[KEPT] = (session.get_transaction(), found)
    return found


def was_off(moment: datetime) -> bool:
    """Whether the model was off then."""
    last: ModelSwitch | None = queries.last_switch(moment)
    return last is not None and last.off

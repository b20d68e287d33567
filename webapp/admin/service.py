"""The rules for what an administrator may configure."""

from collections.abc import Mapping
from dataclasses import dataclass

from webapp import audit
from webapp.cases.queries import letterhead
from webapp.core.extensions import db
from webapp.models import Management, User
from webapp.review import queries as review_queries


class OptionError(ValueError):
    """The options would not let a dermatologist decide safely; ``management`` is the one at fault."""

    def __init__(self, management: Management, sentence: str) -> None:
        super().__init__(sentence)
        self.management = management


@dataclass(frozen=True)
class Offer:
    """How a management option is to be offered; the smallest ``place`` comes first."""

    place: int
    active: bool
    reassuring: bool


def offer_management(actor: User, offers: Mapping[Management, Offer]) -> None:
    """Change how the management options are offered from now on; decisions stay as they are. Raises OptionError."""
    _check(offers)
    options = {option.management: option for option in review_queries.management_options()}
    order = sorted(offers, key=lambda management: (offers[management].place, options[management].position))
    for position, management in enumerate(order, start=1):
        option, offer = options[management], offers[management]
        before = {"position": option.position, "active": option.active, "reassuring": option.reassuring}
        after = {"position": position, "active": offer.active, "reassuring": offer.reassuring}
        if before != after:
            option.position, option.active, option.reassuring = position, offer.active, offer.reassuring
            db.session.add(option)
            named = {"management": management.value}
            audit.record(actor, "management.changed", option, before=named | before, after=named | after)


def _check(offers: Mapping[Management, Offer]) -> None:
    if not offers[Management.REASSURE].reassuring:
        raise OptionError(Management.REASSURE, "“No appointment” is always reassuring.")
    if offers[Management.RETAKE].reassuring:
        raise OptionError(
            Management.RETAKE, "A request for new images cannot be reassuring: it leaves the case undecided."
        )
    referring = [
        management
        for management, offer in offers.items()
        if offer.active and not offer.reassuring and management is not Management.RETAKE
    ]
    if not referring:
        sentence = "At least one option that brings the patient to dermatology must be available and not reassuring."
        raise OptionError(Management.URGENT_REFERRAL, sentence)


def set_letterhead(actor: User, texts: Mapping[str, str]) -> None:
    """What reports say about the hospital from now on."""
    head = letterhead()
    before = {name: getattr(head, name) for name in texts}
    if before == texts:
        return
    for name, text in texts.items():
        setattr(head, name, text)
    head.id = 1
    db.session.add(head)
    changed = [name for name, text in texts.items() if text != before[name]]
    of = {name: before[name] for name in changed}, {name: texts[name] for name in changed}
    audit.record(actor, "letterhead.changed", head, before=of[0], after=of[1])

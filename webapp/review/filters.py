"""The filters and order of the worklist, as kept in the address."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import Length

from ml.patterns import Pattern
from webapp.core.choices import choices, choices_of
from webapp.core.parameters import row_id
from webapp.models import CaseState, Centre, Urgency


class Order(StrEnum):
    TRIAGE = "concern"
    DUE = "due"
    WAITING = "waiting"

    @property
    def label(self) -> str:
        return {
            "concern": "Most pressing first",
            "due": "Earliest deadline first",
            "waiting": "Longest waiting first",
        }[self.value]


STATES = {
    CaseState.SUBMITTED: "Not analysed yet",
    CaseState.AWAITING_REVIEW: "Waiting for a dermatologist",
    CaseState.IN_REVIEW: "Being reviewed",
}


LONGEST_SEARCH = 80
TOO_LONG = f"Search for at most {LONGEST_SEARCH} characters; until then, every case is listed."
TELL_THE_MODEL = ("pattern", "person", "contradiction", "other_cancer")
"""Fields by which a list would tell the model's results: not for who reads blinded, nor while it is off."""
BLINDED_ORDERS = (Order.WAITING, Order.DUE)
"""The orders that do not tell them, the usual one first."""


@dataclass(frozen=True)
class Filters:
    """Every condition that is not None, False or empty must hold.

    ``pattern``: the model finds it in at least one image. ``q``: the beginning of a case number, the beginning or end
    of a patient reference, or a part of a centre's name.
    """

    centre: int | None = None
    urgency: Urgency | None = None
    state: CaseState | None = None
    pattern: Pattern | None = None
    person: bool = False
    contradiction: bool = False
    other_cancer: bool = False
    overdue: bool = False
    mine: bool = False
    q: str = ""
    order: Order = Order.TRIAGE

    @property
    def active(self) -> bool:
        """Whether any filter is set."""
        return self != Filters(order=self.order)


def _optional(kind: Callable[[str], Any]) -> Callable[[Any], Any]:
    """For a select field: empty becomes None, anything else a ``kind``."""
    return lambda value: kind(str(value)) if value else None


class FilterForm(FlaskForm):
    """The filters as a GET form; an unknown value is reported and ignored."""

    class Meta:
        csrf = False  # it changes nothing

    order = SelectField("Order", choices=choices_of(Order), coerce=_optional(Order), default=Order.TRIAGE)
    centre = SelectField("Centre", coerce=_optional(row_id))
    urgency = SelectField("Urgency", choices=choices_of(Urgency, empty="Any"), coerce=_optional(Urgency))
    state = SelectField(
        "State",
        choices=choices([("", "Any"), *((state.value, label) for state, label in STATES.items())]),
        coerce=_optional(CaseState),
    )
    pattern = SelectField("Pattern present", choices=choices_of(Pattern, empty="Any"), coerce=_optional(Pattern))
    person = BooleanField("Needs a person")
    overdue = BooleanField("Overdue")
    other_cancer = BooleanField("Other skin cancer suspected")
    contradiction = BooleanField("Rule and probability disagree")
    mine = BooleanField("Claimed by me")
    q = StringField(
        "Search", filters=[lambda text: (text or "").strip()], validators=[Length(max=LONGEST_SEARCH, message=TOO_LONG)]
    )

    usual_order = Order.TRIAGE

    @classmethod
    def from_address(
        cls, arguments: MultiDict[str, str], centres: list[Centre], *, blinded: bool, model_off: bool
    ) -> "FilterForm":
        form = cls(formdata=arguments)
        if blinded or model_off:
            for name in TELL_THE_MODEL:
                del form[name]
        if blinded:
            form._offer_blinded_orders()
        form.centre.choices = choices([("", "Any"), *((str(centre.id), centre.name) for centre in centres)])
        form.validate()
        for name in form.errors.keys() - {"q"}:
            form[name].errors = ["This filter value is not recognised and was ignored."]
        return form

    def _offer_blinded_orders(self) -> None:
        self.usual_order = BLINDED_ORDERS[0]
        self.order.choices = choices((order.value, order.label) for order in BLINDED_ORDERS)
        self.order.description = "The order by what presses would tell the model's results, so it is not offered."
        if self.order.data is Order.TRIAGE:
            self.order.data = self.usual_order

    @property
    def filters(self) -> Filters:
        return Filters(**{"order": self.usual_order, **self._chosen})

    @property
    def arguments(self) -> dict[str, Any]:
        """The filters as query parameters."""
        chosen = {name: 1 if value is True else value for name, value in self._chosen.items()}
        return {name: value for name, value in chosen.items() if value is not self.usual_order}

    @property
    def words(self) -> str:
        """What is chosen, for example "Soon, earliest deadline first"."""
        return ", ".join(self._words(name) for name in self.arguments)

    def _words(self, name: str) -> str:
        field = self[name]
        if isinstance(field, SelectField):
            return next(str(label) for value, label, selected, _ in field.iter_choices() if selected and value)
        return f"“{field.data}”" if name == "q" else field.label.text

    @property
    def _chosen(self) -> dict[str, Any]:
        return {name: value for name, value in self.data.items() if value and not self[name].errors}

"""The administrator's own forms; those for accounts and centres are with their rules, in webapp/accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from webapp.admin import queries
from webapp.admin.days import midnight, this_century
from webapp.admin.handover import LeftBehind
from webapp.admin.service import Offer
from webapp.audit.words import ACTIONS
from webapp.core.choices import choices
from webapp.models import Management, ManagementOption, User

SYSTEM, WHOLE_CENTRE = "system", "centre"


def _strip(text: str | None) -> str:
    return (text or "").strip()


class HandoverForm(FlaskForm):
    """Who follows the cases that a GP leaves behind."""

    to = SelectField("Who follows these cases now?", validators=[InputRequired("Choose who follows these cases.")])

    def offer(self, left: LeftBehind) -> None:
        people = [(str(gp.id), gp.name) for gp in left.colleagues]
        whole = (WHOLE_CENTRE, f"{left.centre.name} as a whole: whichever GP is there")
        self.to.choices = choices([("", "Choose …"), *people, whole])

    def chosen(self, left: LeftBehind) -> User | None:
        """The colleague; None: the centre as a whole. Only for a valid form."""
        return next((gp for gp in left.colleagues if str(gp.id) == self.to.data), None)


class AuditForm(FlaskForm):
    """Which events to show; part of the address."""

    class Meta:
        csrf = False

    actor = SelectField("Person", default="")
    action = SelectField(
        "Action", default="", choices=choices([("", "Any action"), *sorted(ACTIONS.items(), key=lambda item: item[1])])
    )
    case = StringField("Case number", filters=[lambda text: (text or "").strip().upper()], validators=[Length(max=12)])
    day = DateField("Date", validators=[Optional(), this_century])

    def offer_actors(self) -> None:
        people = [(str(user.id), user.name) for user in queries.actors()]
        self.actor.choices = choices([("", "Anyone"), (SYSTEM, "System"), *people])

    @property
    def actor_id(self) -> int | None:
        return int(self.actor.data) if (self.actor.data or "").isdecimal() else None

    @property
    def by_system(self) -> bool:
        return bool(self.actor.data == SYSTEM)

    def span(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """The first moment of the chosen day and of the next."""
        return midnight(self.day.data, zone), midnight(self.day.data, zone, after=1)


class LetterheadForm(FlaskForm):
    """All optional: what is empty is not printed."""

    hospital = StringField("Hospital", filters=[_strip], validators=[Length(max=120)])
    department = StringField("Department", filters=[_strip], validators=[Length(max=120)])
    address = TextAreaField(
        "Address and telephone",
        description="A few lines, as on your letters. Say here whom to call about an appointment.",
        filters=[_strip],
        validators=[Length(max=400)],
    )
    registration = StringField(
        "Registration number",
        description="Of the hospital or department, if your health authority asks for one.",
        filters=[_strip],
        validators=[Length(max=60)],
    )
    signature = StringField(
        "Signature line",
        description="Printed below the dermatologist's name, for example: “Signed electronically, valid without a "
        "signature by hand.” If it is empty, there is a line to sign on.",
        filters=[_strip],
        validators=[Length(max=200)],
    )

    @property
    def texts(self) -> dict[str, str]:
        return {name: text or "" for name, text in self.data.items() if name != "csrf_token"}


@dataclass(frozen=True)
class OptionRow:
    """The fields of one management option."""

    management: Management
    place: SelectField
    active: BooleanField
    reassuring: BooleanField

    @property
    def errors(self) -> list[str]:
        return [*self.place.errors, *self.active.errors, *self.reassuring.errors]


class ManagementForm(FlaskForm):
    """Position, "offered" and "reassuring" for each management option (fields are added below)."""

    @classmethod
    def filled_from(cls, options: Iterable[ManagementOption]) -> "ManagementForm":
        values: dict[str, object] = {}
        for option in options:
            code = option.management.value
            values |= {f"place_{code}": str(option.position), f"active_{code}": option.active}
            values[f"reassuring_{code}"] = option.reassuring
        return cls(data=values)

    @property
    def rows(self) -> list[OptionRow]:
        """In the order of the positions filled in."""
        found = [
            OptionRow(m, self[f"place_{m.value}"], self[f"active_{m.value}"], self[f"reassuring_{m.value}"])
            for m in Management
        ]
        return sorted(found, key=lambda row: str(row.place.data))

    @property
    def offers(self) -> Mapping[Management, Offer]:
        """What was filled in. Only for a valid form."""
        return {row.management: Offer(int(row.place.data), row.active.data, row.reassuring.data) for row in self.rows}


_PLACES = choices((str(place), str(place)) for place in range(1, len(Management) + 1))
for _management in Management:
    setattr(ManagementForm, f"place_{_management.value}", SelectField("Position", choices=_PLACES))
    setattr(ManagementForm, f"active_{_management.value}", BooleanField("Available"))
    setattr(ManagementForm, f"reassuring_{_management.value}", BooleanField("Reassuring"))

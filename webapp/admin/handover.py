"""What a GP who leaves a centre leaves behind there: open cases and unread answers, for somebody else to follow."""

from dataclasses import dataclass

from webapp import audit
from webapp.admin import queries
from webapp.models import Case, Centre, Role, User
from webapp.triage.risk import joined


@dataclass(frozen=True)
class LeftBehind:
    """The ``cases`` that ``gp`` follows at ``centre``, locked, and the ``colleagues`` there who can take them over."""

    gp: User
    centre: Centre
    cases: list[Case]
    colleagues: list[User]

    @classmethod
    def by(cls, gp: User) -> "LeftBehind | None":
        """None if there is nothing to follow."""
        if gp.centre is None:
            return None
        cases = queries.followed_by_locked(gp)
        return cls(gp, gp.centre, cases, queries.colleagues_of(gp)) if cases else None

    @property
    def words(self) -> str:
        """For example "2 cases without an answer and 1 answer that nobody has opened"."""
        waiting = sum(case.is_open for case in self.cases)
        unread = sum(case.unread for case in self.cases)
        wanted = len(self.cases) - waiting - unread
        found = [
            (waiting, "case without an answer", "cases without an answer"),
            (wanted, "request for new images", "requests for new images"),
            (unread, "answer that nobody has opened", "answers that nobody has opened"),
        ]
        return joined(f"{count} {one if count == 1 else many}" for count, one, many in found if count)


def leaves(user: User, role: Role, centre_id: int | None) -> bool:
    """Whether a GP with this role and centre would no longer be a GP of the present one."""
    return user.role is Role.GP and (role is not Role.GP or centre_id != user.centre_id)


def hand_over(actor: User, left: LeftBehind, to: User | None) -> None:
    """``to`` a colleague, or None: to the centre as a whole. The cases stay where they are."""
    for case in left.cases:
        before = case.responsible_id
        case.responsible = to
        after = to.id if to else None
        audit.record(actor, "case.handed_over", case, before={"responsible": before}, after={"responsible": after})

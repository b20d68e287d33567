"""What a GP who leaves a centre leaves behind there: open cases and unread answers, for somebody else to follow."""

from dataclasses import dataclass

from webapp import audit
from webapp.admin import queries
from webapp.models import Case, Centre, Role, Unread, User
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
        """For example "2 cases without an answer and 1 answer to read"."""
        waiting = sum(case.is_open for case in self.cases)
        unread = sum(not case.is_open and (case.unread or _is_news_to(self.gp, case)) for case in self.cases)
        wanted = len(self.cases) - waiting - unread
        found = [
            (waiting, "case without an answer", "cases without an answer"),
            (wanted, "request for new images", "requests for new images"),
            (unread, "answer to read", "answers to read"),
        ]
        return joined(f"{count} {one if count == 1 else many}" for count, one, many in found if count)


def leaves(user: User, role: Role, centre_id: int | None) -> bool:
    """Whether a GP with this role and centre would no longer be a GP of the present one."""
    return user.role is Role.GP and (role is not Role.GP or centre_id != user.centre_id)


def hand_over(actor: User, left: LeftBehind, to: User | None) -> None:
    """``to`` a colleague, or None: to the centre as a whole. The cases stay where they are.

    An answer that the GP has yet to read is to be read by the colleague, or by everybody.
    """
    for case in left.cases:
        before = case.responsible_id
        if _is_news_to(left.gp, case):
            kept = [row for row in case.unread_by if row.user_id != left.gp.id]
            known = {row.user_id for row in kept}
            heirs = [heir for heir in ([to] if to else left.colleagues) if heir.id not in known]
            case.unread_by = [*kept, *(Unread(user_id=heir.id) for heir in heirs)]
        case.responsible = to
        after = to.id if to else None
        audit.record(actor, "case.handed_over", case, before={"responsible": before}, after={"responsible": after})


def _is_news_to(gp: User, case: Case) -> bool:
    return any(row.user_id == gp.id for row in case.unread_by)

"""All queries for the worklist: its pages, its counts, what is next, and what has arrived since."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, and_, false, literal, or_, select, true, tuple_, union_all
from sqlalchemy.orm import joinedload, selectinload

from ml.patterns import Call, Pattern
from webapp.accounts.queries import centres
from webapp.cases.queries import matching, visible_to
from webapp.core.counts import MOST, up_to
from webapp.core.extensions import db
from webapp.core.orm import UtcDateTime
from webapp.core.parameters import row_id
from webapp.models import Analysis, AnalysisState, Case, Claim, Finding, Image, OpinionRequest, Urgency, User, utcnow
from webapp.models.case import NOT_RANKED
from webapp.review.filters import Filters, Order
from webapp.triage.due import allowed, due_at
from webapp.triage.rank import Section

PAGE_SIZE = 25
FRONT = 10
"""How many free cases at the front of the list are tried when colleagues are faster."""
OUTSIDE_MATCHES = 10
NEWS_MOST = 99


@dataclass(frozen=True)
class Cursor:
    """The position after which a page begins, as kept in the address.

    ``moment``: since when the case waits, or its due date if that orders the list. ``rank`` is NOT_RANKED unless it
    orders the list.
    """

    rank: float
    moment: datetime
    case_id: int

    def __str__(self) -> str:
        microseconds = round(self.moment.timestamp() * 1_000_000)
        return f"{self.rank!r}~{microseconds}~{self.case_id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """None if the text is not a cursor: the page then begins at the top."""
        try:
            rank, microseconds, case_id = text.split("~")
            if not math.isfinite(float(rank)) or int(microseconds) < 0:
                return None
            moment = datetime.fromtimestamp(int(microseconds) // 1_000_000, UTC)
            return cls(float(rank), moment.replace(microsecond=int(microseconds) % 1_000_000), row_id(case_id))
        except (ValueError, OverflowError, OSError):
            return None

    @classmethod
    def after(cls, case: Case, order: Order) -> "Cursor":
        rank = case.rank if order is Order.TRIAGE else NOT_RANKED
        return cls(rank, due_at(case) if order is Order.DUE else case.waiting_since, case.id)


def worklist(user: User, filters: Filters, cursor: Cursor | None) -> list[Case]:
    """One page of the open cases that match the filters, plus one row, with all that a row shows."""
    ids = _line(_matching(user, filters), filters.order, cursor, PAGE_SIZE + 1)
    statement = (
        select(Case)
        .where(Case.id.in_(ids))
        .options(
            joinedload(Case.centre),
            selectinload(Case.images).selectinload(Image.analyses).selectinload(Analysis.findings),
            selectinload(Case.claims).options(joinedload(Claim.user), joinedload(Claim.took_over)),
            selectinload(Case.opinion_requests),
            selectinload(Case.histologies),
            selectinload(Case.impressions),
        )
    )
    found = {case.id: case for case in db.session.scalars(statement)}
    return [found[case_id] for case_id in ids]


def _line(conditions: Sequence[ColumnElement[bool]], order: Order, cursor: Cursor | None, limit: int) -> list[int]:
    """Ids of cases in order, from the cursor on. Ties go to whoever waits longer, then to the older case."""
    if order is Order.DUE:
        return _by_due_date(conditions, cursor, limit)
    keys = [Case.rank, Case.waiting_since, Case.id] if order is Order.TRIAGE else [Case.waiting_since, Case.id]
    statement = select(Case.id).where(*conditions)
    if cursor is not None:
        after = [literal(cursor.rank), literal(cursor.moment, UtcDateTime), literal(cursor.case_id)]
        statement = statement.where(tuple_(*keys) > tuple_(*after[-len(keys) :]))
    return list(db.session.scalars(statement.order_by(*keys).limit(limit)))


def _by_due_date(conditions: Sequence[ColumnElement[bool]], cursor: Cursor | None, limit: int) -> list[int]:
    """A due date depends on urgency and settings, so it has no index: each urgency is one walk, and they are merged."""
    found: list[tuple[datetime, int]] = []
    for urgency, days in allowed().items():
        walk = select(Case.waiting_since, Case.id).where(*conditions, Case.urgency == urgency)
        if cursor is not None:
            after = tuple_(literal(cursor.moment - days, UtcDateTime), literal(cursor.case_id))
            walk = walk.where(tuple_(Case.waiting_since, Case.id) > after)
        walk = walk.order_by(Case.waiting_since, Case.id).limit(limit)
        found += [(since + days, case_id) for since, case_id in db.session.execute(walk)]
    return [case_id for _, case_id in sorted(found)[:limit]]


def _open_to(user: User) -> list[ColumnElement[bool]]:
    """Open cases, except those on which this user owes an opinion: their place would tell what others decided."""
    return [Case.is_open == true(), visible_to(user), Case.id.not_in(_owed_by(user))]


def _owed_by(user: User) -> Select[int]:
    """Ids of the cases on which somebody waits for this user's opinion."""
    owed = OpinionRequest.asked_of_id == user.id, OpinionRequest.answered_at.is_(None)
    return select(OpinionRequest.case_id).where(*owed)


def _matching(user: User, filters: Filters) -> list[ColumnElement[bool]]:
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "centre": lambda: Case.centre_id == filters.centre,
        "urgency": lambda: Case.urgency == filters.urgency,
        "state": lambda: Case.state == filters.state,
        "pattern": lambda: _has_pattern(filters.pattern),
        "person": lambda: Case.needs_person == true(),
        "contradiction": lambda: Case.contradiction == true(),
        "other_cancer": lambda: Case.other_cancer == true(),
        "overdue": _past_due,
        "mine": lambda: _held_by(user),
        "q": lambda: or_(matching(user, filters.q), Case.centre_id.in_(_centres_named(filters.q))),
    }
    return [*_open_to(user), *(condition() for name, condition in conditions.items() if getattr(filters, name))]


def _has_pattern(pattern: Pattern | None) -> ColumnElement[bool]:
    """Nested "exists": with a join SQLite may scan all finished analyses again for each case."""
    named = or_(Finding.call.is_(None), Finding.call != Call.NOT_TOLD_APART)
    finding = (Finding.target == (pattern or "")) & Finding.present & named
    found = select(Finding.id).where(Finding.analysis_id == Analysis.id, finding).exists()
    done = (Analysis.state == AnalysisState.DONE) & ~Analysis.shadow
    analysed = select(Analysis.id).where(Analysis.image_id == Image.id, done, found).exists()
    return select(Image.id).where(Image.case_id == Case.id, analysed).exists()


def _centres_named(search: str) -> list[int]:
    return [centre.id for centre in centres() if search.casefold() in centre.name.casefold()]


def _past_due() -> ColumnElement[bool]:
    return or_(*_past_due_by_urgency())


def _past_due_by_urgency() -> list[ColumnElement[bool]]:
    now = utcnow()
    return [and_(Case.urgency == u, Case.waiting_since < now - days) for u, days in allowed().items()]


def _held_by(user: User) -> ColumnElement[bool]:
    """By literal ids: with a subquery the database would scan all open cases."""
    ids = _held_cases(user)
    return Case.id.in_(ids) if ids else false()


def _held_cases(user: User) -> list[int]:
    """Ids of the open cases this user has claimed and owes no opinion on. The outer join makes the database start with
    the few claims.
    """
    own = Claim.released_at.is_(None), Claim.user_id == user.id, Claim.expires_at > utcnow()
    free = Claim.case_id.not_in(_owed_by(user))
    rows = db.session.execute(select(Claim.case_id, Case.is_open).outerjoin(Claim.case).where(*own, free))
    return [case_id for case_id, is_open in rows if is_open]


@dataclass(frozen=True)
class Counts:
    """Numbers of open cases: all, those that match the filters by section, need a person, are past due, are claimed by
    the user.

    Each is counted up to the limit of ``webapp.core.counts``.
    """

    open: int
    sections: dict[Section, int]
    person: int
    overdue: int
    mine: int

    @property
    def matching(self) -> int:
        return sum(self.sections.values())


def counts(user: User, filters: Filters) -> Counts:
    def cases(*conditions: ColumnElement[bool]) -> Select[int]:
        return select(Case.id).where(*_open_to(user), *conditions)

    late = union_all(*(select(cases(one).limit(MOST + 1).subquery().c.id) for one in _past_due_by_urgency()))
    chosen = _matching(user, filters)
    columns = {
        "open": up_to(cases()),
        "person": up_to(cases(Case.needs_person == true())),
        "overdue": up_to(select(late.subquery().c.id)),
    }
    sections = {section: up_to(select(Case.id).where(*chosen, section.holds)) for section in Section}
    labelled = [column.label(name) for name, column in columns.items()]
    counted = db.session.execute(select(*labelled, *sections.values())).one()
    found = dict(zip(sections, counted[len(columns) :], strict=True))
    named = {name: counted._mapping[name] for name in columns}
    return Counts(**named, sections=found, mine=len(_held_cases(user)))


def next_case(user: User, filters: Filters) -> Case | None:
    """The first matching case that nobody else has claimed."""
    first = next(iter(front(user, filters, 1)), None)
    return db.session.get(Case, first) if first is not None else None


def front(user: User, filters: Filters, limit: int = FRONT) -> list[int]:
    """Ids of the first few such cases, in order."""
    held = select(Claim.id).where(
        Claim.case_id == Case.id, Claim.released_at.is_(None), Claim.expires_at > utcnow(), Claim.user_id != user.id
    )
    return _line([*_matching(user, filters), ~held.exists()], filters.order, None, limit)


def open_case_locked(case_id: int) -> Case | None:
    """Locked for this transaction and read afresh; None if a colleague has it locked, or it is no longer open."""
    statement = select(Case).where(Case.id == case_id, Case.is_open).with_for_update(of=Case, skip_locked=True)
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


Patient = tuple[int, str]
"""Centre and key of the reference: other centres' references are other patients'."""


def open_of_patients(user: User, cases: Collection[Case]) -> Counter[Patient]:
    """How many open cases each of these cases' patients has."""
    keys = {case.reference_key for case in cases}
    statement = select(Case.centre_id, Case.reference_key).where(*_open_to(user), Case.reference_key.in_(keys))
    return Counter((row.centre_id, row.reference_key) for row in db.session.execute(statement))


def outside(user: User, search: str) -> list[Case]:
    """The newest cases found by number or reference that are not in the user's list (any more)."""
    absent = or_(~Case.is_open, Case.id.in_(_owed_by(user)))
    statement = select(Case).where(visible_to(user), absent, matching(user, search))
    statement = statement.order_by(Case.id.desc()).limit(OUTSIDE_MATCHES)
    shown = joinedload(Case.centre), selectinload(Case.opinion_requests)
    return list(db.session.scalars(statement.options(*shown)))


def arrived(user: User, filters: Filters, since: datetime) -> tuple[int, int]:
    """How many matching cases began to wait after ``since``, and how many of these the GP marked as urgent."""
    fresh = select(Case.id).where(*_matching(user, filters), Case.waiting_since > since)
    columns = [up_to(fresh, NEWS_MOST), up_to(fresh.where(Case.urgency == Urgency.URGENT), NEWS_MOST)]
    counted = db.session.execute(select(*columns)).one()
    return counted[0], counted[1]

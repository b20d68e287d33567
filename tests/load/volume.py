"""Synthetic cases by the million, as of sixty centres over three years: for measuring, never for production.

    python -m tests.load.volume 1000000 [--open 0.03]

fills the database of INSTANCE_DIR or DATABASE_URL. The rows are those the program itself would have written; the images
they name do not exist, so their pages show none.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, select, update

from ml.patterns import Pattern
from tests.load.bulk import bulk_load, insert, next_id, set_sequences, table_of
from tests.load.people import CENTRES, DERMATOLOGISTS, emails, make_people
from webapp import create_app
from webapp.audit.chain import digest_of
from webapp.cases.service import NUMBER_ALPHABET
from webapp.core.config import current_settings
from webapp.core.database import reading, transaction
from webapp.core.orm import Base
from webapp.models import (
    Analysis,
    Assessment,
    AuditEvent,
    AuditHead,
    BodySite,
    Case,
    CaseState,
    Claim,
    Diagnosis,
    Finding,
    Image,
    Management,
    ModelVersion,
    Opinion,
    OpinionRequest,
    Receipt,
    Review,
    Role,
    Sex,
    Urgency,
    User,
)
from webapp.models.case import reference_key

SPAN = timedelta(days=3 * 365)
PORTION = 20_000
OPEN_SHARE = 0.03
NUMBERS = len(NUMBER_ALPHABET) ** 7
SCATTER = 12_345_678_901
"""Shares no factor with NUMBERS, so each case gets a unique number that looks random."""
WHILE_OPEN = (CaseState.SUBMITTED, CaseState.IN_REVIEW, CaseState.AWAITING_REVIEW)
TARGETS = ("BCC", *(pattern.value for pattern in Pattern))
TABLES = [
    table_of(model)
    for model in (Case, Image, Analysis, Finding, Claim, Review, Assessment, Receipt, OpinionRequest, Opinion)
] + [table_of(AuditEvent)]
DAYS = {Urgency.URGENT.value: 2, Urgency.SOON.value: 7, Urgency.ROUTINE.value: 14}
POINT = {"target_sensitivity": 0.95, "threshold": 0.1, "sensitivity": 0.95, "specificity": 0.9}
CARD = {
    "notice": "Not clinically validated: made-up rows.",
    "targets": [{"code": "BCC", "evidence": "none", "operating_points": [POINT], "default_sensitivity": 0.95}],
}


class RealCasesError(Exception):
    """The database contains a case that is not synthetic."""


@dataclass(frozen=True)
class Clinic:
    """Ids of the people; GPs in the order of their centres."""

    centres: list[int]
    gps: list[int]
    dermatologists: list[int]
    version: int
    chain: "Chain"


def generate(count: int, open_share: float = OPEN_SHARE) -> None:
    """Add ``count`` cases, the newest ``open_share`` of them still open. Raises RealCasesError."""
    with reading() as session:
        if session.scalar(select(Case.id).where(Case.synthetic.is_(False)).limit(1)) is not None:
            raise RealCasesError("This database holds real cases. Made-up ones belong into a database of their own.")
    clinic = _clinic()
    with bulk_load(TABLES) as connection:
        first = {table.name: next_id(connection, table) for table in TABLES if "id" in table.columns}
        begin = datetime.now(UTC) - SPAN
        for start in range(0, count, PORTION):
            portion = Portion(connection, clinic, first, begin, start, min(PORTION, count - start), count, open_share)
            portion.store()
        clinic.chain.store(connection)
        set_sequences(connection, TABLES)
        connection.commit()


def _clinic() -> Clinic:
    with transaction() as session:
        version = ModelVersion(name="made-up", weights_sha256="0" * 64, card=CARD)
        session.add(version)
        people = {user.email: user for user in session.scalars(select(User))}
        gps = [people[email] for email in emails(Role.GP)]
        dermatologists = [people[email].id for email in emails(Role.DERMATOLOGIST)]
        session.flush()
        head = session.scalars(select(AuditHead)).one()
        chain = Chain(current_settings().audit_key, head.count, head.last_id, head.digest)
        return Clinic([gp.centre_id or 0 for gp in gps], [gp.id for gp in gps], dermatologists, version.id, chain)


@dataclass
class Chain:
    """The audit trail's chain (`webapp.audit.chain`), continued where the trail ends."""

    key: bytes
    count: int
    last_id: int
    digest: str

    def extend(self, events: dict[str, list[Any]]) -> list[str]:
        """The digest of each event, given as columns."""
        digests = []
        for values in zip(*events.values(), strict=True):
            event = dict(zip(events, values, strict=True), before=None, after=None)
            self.digest = digest_of(self.key, self.digest, event)
            digests.append(self.digest)
        self.count, self.last_id = self.count + len(digests), events["id"][-1]
        return digests

    def store(self, connection: Connection) -> None:
        connection.execute(update(AuditHead).values(count=self.count, last_id=self.last_id, digest=self.digest))


class Portion:
    """The cases ``start`` … ``start + size`` of ``count``, oldest first, with everything that belongs to them."""

    def __init__(
        self,
        connection: Connection,
        clinic: Clinic,
        first: dict[str, int],
        begin: datetime,
        start: int,
        size: int,
        count: int,
        open_share: float,
    ) -> None:
        self.connection, self.clinic, self.first, self.size = connection, clinic, first, size
        self.random = np.random.default_rng(start)
        self.place = np.arange(start, start + size)
        age = (self.place + self.random.random(size)) / count
        since_begin = (age * SPAN.total_seconds() * 1e6).astype("m8[us]")
        self.sent = np.datetime64(begin.replace(tzinfo=None), "us") + since_begin
        self.case_ids = self._ids(Case, size)
        self.open = self.place >= count - max(1, round(count * open_share))
        self.pending = self.place >= count - max(3, round(count * open_share / 100))
        self.read = self.open & ~self.pending & (self.place < count - round(count * open_share) + 2 * DERMATOLOGISTS)
        # one centre of sixty sends three times as much as the others
        self.centre = np.minimum(self.random.integers(0, CENTRES + 2, size), CENTRES - 1)
        self.reader = self.random.integers(0, DERMATOLOGISTS, size)
        self.probability = np.round(self.random.beta(0.6, 2.5, size), 6)
        self.unsure = self.random.random(size) < 0.15
        self.withdrawn = ~self.open & (self.random.random(size) < 0.01)
        self.decided = ~self.open & ~self.withdrawn
        self.retake = self.decided & (self.random.random(size) < 0.01)
        late = self.place >= count * (1 - open_share) - count * 0.01
        self.unread = self.decided & ~self.retake & (late | (self.random.random(size) < 0.002))
        self.answered = self.sent + np.timedelta64(1, "h") * self.random.integers(2, 400, size)

    def _ids(self, model: type[Base], count: int) -> np.ndarray:
        table = table_of(model)
        begin = self.first[table.name]
        self.first[table.name] += count
        return np.arange(begin, begin + count)

    def _times(self, moments: np.ndarray) -> list[str]:
        zone = "" if self.connection.dialect.name == "sqlite" else "+00"
        return [text.replace("T", " ") + zone for text in np.datetime_as_string(moments, "us").tolist()]

    def _insert(self, model: type[Base], **columns: Any) -> None:
        rows = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in columns.items()}
        insert(self.connection, table_of(model), rows)

    def store(self) -> None:
        self._cases()
        self._images()
        self._claims()
        self._reviews()
        self._opinions()
        self._audit()

    def _cases(self) -> None:
        closed = self.random.random(self.size) < 0.6
        state = np.select(
            [self.pending, self.read, self.open, self.withdrawn, self.retake, self.unread, closed],
            [*WHILE_OPEN, CaseState.WITHDRAWN, CaseState.RETAKE_REQUESTED, CaseState.REVIEWED, CaseState.CLOSED],
            CaseState.REVIEWED,
        )
        person = self.pending | self.unsure
        urgency = self.random.choice([u.value for u in Urgency], self.size, p=[0.8, 0.15, 0.05])
        due = self.sent.astype("datetime64[D]") + np.select([urgency == u for u in DAYS], list(DAYS.values()))
        past_due = due < np.datetime64("today")
        descending = 0.0005 + 0.999 * (1.0 - self.probability)  # the same rule as webapp.triage.rank
        section = np.select([person, self.probability >= POINT["threshold"]], [2.0, 3.0], 4.0)
        rank = section + np.where(self.pending, 0.0, descending)
        concern = np.where(person, 0.0005, descending)
        now = (urgency == Urgency.URGENT.value) | past_due
        rank = np.where(now, 1.5 + 0.5 * (due.astype(int) + concern) / 2.0**17, rank)
        sent = self._times(self.sent)
        references = [f"PC-{n // 5:07d}/{n % 5}" for n in self.random.integers(0, 40_000_000, self.size).tolist()]
        keys = [reference_key(reference) for reference in references]
        self._insert(
            Case,
            id=self.case_ids,
            number=[_number(case_id) for case_id in self.case_ids.tolist()],
            submission_token=[f"made-up-{case_id}" for case_id in self.case_ids.tolist()],
            centre_id=[self.clinic.centres[n] for n in self.centre],
            submitted_by_id=[self.clinic.gps[n] for n in self.centre],
            responsible_id=[self.clinic.gps[n] for n in self.centre],
            submitted_at=sent,
            state=state,
            is_open=self.open,
            unread=self.unread,
            contradiction=self.random.random(self.size) < 0.05,
            other_cancer=self.random.random(self.size) < 0.02,
            closed_at=_only(np.isin(state, [CaseState.CLOSED, CaseState.WITHDRAWN]), self._times(self.answered)),
            synthetic=[True] * self.size,
            patient_reference=references,
            reference_key=keys,
            reference_reversed=[key[::-1] for key in keys],
            birth_year=self.random.integers(1930, 2005, self.size),
            sex=self.random.choice([Sex.FEMALE.value, Sex.MALE.value], self.size),
            phototype=self.random.integers(1, 7, self.size),
            body_site=self.random.choice([site.value for site in BodySite], self.size),
            history=["Slowly growing for some months."] * self.size,
            clinical_question=["BCC?"] * self.size,
            urgency=urgency,
            needs_person=person,
            triage_reason=np.select([self.pending, self.unsure], ["awaiting_analysis", "model_unsure"], "probability"),
            bcc_probability=[None if p else value for p, value in zip(self.pending, self.probability, strict=True)],
            past_due=past_due & self.open,
            rank=rank,
            waiting_since=sent,
        )

    def _images(self) -> None:
        count = 1 + (self.random.random(self.size) < 0.1)
        case = np.repeat(np.arange(self.size), count)
        second = np.concatenate([[False], case[1:] == case[:-1]])
        ids, sent = self._ids(Image, len(case)), self._times(self.sent[case])
        self._insert(
            Image,
            id=ids,
            case_id=self.case_ids[case],
            position=1 + second,
            key=[f"{n:032x}" for n in (2 * ids).tolist()],
            thumbnail_key=[f"{n:032x}" for n in (2 * ids + 1).tolist()],
            media_type=["image/jpeg"] * len(case),
            width=[1024] * len(case),
            height=[768] * len(case),
            byte_size=[200_000] * len(case),
            sha256=[f"{n:064x}" for n in (ids * SCATTER).tolist()],
            stored_at=sent,
            quality_flags=["[]"] * len(case),
        )
        self._analyses(case, ids, sent)

    def _analyses(self, case: np.ndarray, image_ids: np.ndarray, sent: list[str]) -> None:
        ids, done = self._ids(Analysis, len(case)), ~self.pending[case]
        chance = self.probability[case]
        self._insert(
            Analysis,
            id=ids,
            image_id=image_ids,
            state=np.where(done, "done", "queued"),
            attempts=done.astype(int),
            queued_at=sent,
            started_at=_only(done, sent),
            finished_at=_only(done, sent),
            model_version_id=_only(done, [self.clinic.version] * len(case)),
            preprocessing=_only(done, ["made-up"] * len(case)),
            bcc_probability=_only(done, chance.tolist()),
            bcc=_only(done, (chance >= POINT["threshold"]).tolist()),
            needs_person=_only(done, self.unsure[case].tolist()),
            reasons=["[]"] * len(case),
            lesion=['{"bcc": 0.2, "nv": 0.8}'] * len(case),
            region=['{"left": 0, "top": 0, "size": 768}'] * len(case),
        )
        self._findings(ids[done], chance[done])

    def _findings(self, analyses: np.ndarray, chance: np.ndarray) -> None:
        rows = len(analyses) * len(TARGETS)
        ids, patterns = self._ids(Finding, rows), self.random.random((len(analyses), len(TARGETS) - 1))
        probability = np.round(np.column_stack([chance, patterns]), 4).ravel()
        bcc = np.tile(np.arange(len(TARGETS)) == 0, len(analyses))
        present = np.where(bcc, probability >= POINT["threshold"], probability > 0.9)
        self._insert(
            Finding,
            id=ids,
            analysis_id=np.repeat(analyses, len(TARGETS)),
            target=list(TARGETS) * len(analyses),
            probability=probability,
            present=present,
            strength=probability,
            heatmap_key=[f"h{n:031x}" if p else None for n, p in zip(ids.tolist(), present.tolist(), strict=True)],
        )

    def _claims(self) -> None:
        """A released claim for each decision, and a held one for each case being reviewed."""
        held = self.read | self.decided
        self.claim_ids = np.zeros(self.size, dtype=np.int64)
        self.claim_ids[held] = self._ids(Claim, int(held.sum()))
        ends = np.where(self.read, np.datetime64("now", "us") + np.timedelta64(10, "m"), self.answered)
        self._insert(
            Claim,
            id=self.claim_ids[held],
            case_id=self.case_ids[held],
            user_id=[self.clinic.dermatologists[n] for n in self.reader[held]],
            claimed_at=self._times(np.where(self.read, self.sent, self.answered)[held]),
            expires_at=self._times(ends[held]),
            released_at=_only(self.decided[held], self._times(self.answered[held])),
        )

    def _reviews(self) -> None:
        made, count = self.decided, int(self.decided.sum())
        if not count:
            return
        diagnosis = self.random.choice([d.value for d in Diagnosis], count, p=[0.25, 0.05, 0.1, 0.55, 0.05])
        management = self.random.choice([m.value for m in Management if m is not Management.RETAKE], count)
        ids, decided_at = self._ids(Review, count), self._times(self.answered[made])
        readers = [self.clinic.dermatologists[n] for n in self.reader[made]]
        self._insert(
            Review,
            id=ids,
            case_id=self.case_ids[made],
            reviewer_id=readers,
            claim_id=self.claim_ids[made],
            diagnosis=diagnosis,
            management=np.where(self.retake[made], Management.RETAKE.value, management),
            decided_at=decided_at,
        )
        self._insert(
            Assessment,
            id=self._ids(Assessment, count),
            review_id=ids,
            pattern=self.random.choice([p.value for p in Pattern], count),
            answer=self.random.choice(["present", "absent", "cannot_tell"], count),
        )
        seen = ~self.unread[made]
        self._insert(
            Receipt,
            review_id=ids[seen],
            user_id=[self.clinic.gps[n] for n in self.centre[made][seen]],
            outcome_seen_at=self._times(self.answered[made][seen]),
        )

    def _opinions(self) -> None:
        """For one case in a hundred; the latest are not given yet."""
        asked = np.flatnonzero(self.decided & (self.random.random(self.size) < 0.01))
        if not len(asked):
            return
        ids, moments = self._ids(OpinionRequest, len(asked)), self._times(self.answered[asked])
        given = ~self.unread[asked]
        self._insert(
            OpinionRequest,
            id=ids,
            case_id=self.case_ids[asked],
            asked_by_id=[self.clinic.dermatologists[n] for n in self.reader[asked]],
            asked_of_id=[self.clinic.dermatologists[(n + 1) % DERMATOLOGISTS] for n in self.reader[asked]],
            asked_at=moments,
            answered_at=_only(given, moments),
            seen_at=_only(given, moments),
        )
        self._insert(
            Opinion,
            request_id=ids[given],
            diagnosis=["benign"] * int(given.sum()),
            management=["reassure"] * int(given.sum()),
            given_at=[moment for moment, there in zip(moments, given, strict=True) if there],
        )

    def _audit(self) -> None:
        gps = [self.clinic.gps[n] for n in self.centre]
        readers = [self.clinic.dermatologists[n] for n in self.reader]
        steps: list[tuple[str, str, list[Any], np.ndarray, np.ndarray]] = [
            ("case.submitted", "case_file", gps, self.sent, np.ones(self.size, dtype=bool)),
            ("analysis.done", "case_file", [None] * self.size, self.sent, ~self.pending),
            ("thumbnail.viewed", "case_file", readers, self.answered, self.decided),
            ("case.claimed", "case_file", readers, self.answered, self.decided),
            ("case.decided", "case_file", readers, self.answered, self.decided),
            ("answer.read", "case_file", gps, self.answered, self.decided & ~self.unread),
        ]
        for action, kind, actors, moments, wanted in steps:
            count = int(wanted.sum())
            if not count:
                continue
            events: dict[str, list[Any]] = {
                "id": self._ids(AuditEvent, count).tolist(),
                "at": moments[wanted].tolist(),
                "actor_id": [actor for actor, there in zip(actors, wanted, strict=True) if there],
                "action": [action] * count,
                "subject_type": [kind] * count,
                "subject_id": [str(case_id) for case_id in self.case_ids[wanted].tolist()],
            }
            digests = self.clinic.chain.extend(events)
            self._insert(AuditEvent, **{**events, "at": self._times(moments[wanted])}, digest=digests)


def _number(case_id: int) -> str:
    rest, digits = case_id * SCATTER % NUMBERS, ""
    for _ in range(7):
        rest, digit = divmod(rest, len(NUMBER_ALPHABET))
        digits += NUMBER_ALPHABET[digit]
    return f"DT-{digits}"


def _only(wanted: np.ndarray, values: list[Any]) -> list[Any]:
    return [value if there else None for there, value in zip(wanted.tolist(), values, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill a database with synthetic cases.")
    parser.add_argument("count", type=int)
    parser.add_argument("--open", type=float, default=OPEN_SHARE, help="share of the cases that is open, 0 to 1")
    options = parser.parse_args()
    app, began = create_app(), time.monotonic()
    with app.app_context():
        from flask_migrate import upgrade

        upgrade()
        make_people(app)
        generate(options.count, options.open)
    print(f"{options.count} cases in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

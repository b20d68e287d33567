"""Cases in every state, written straight to the running program's database where no user could create them."""

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from PIL import Image

from ml.imaging.preprocessing import region
from ml.patterns import Modality
from ml.results import Reason
from tests.browser.pictures import drawn
from tests.cards import card, entry, former_card, found
from tests.conftest import World, outcome
from webapp.accounts import service as accounts
from webapp.analysis import results
from webapp.analysis.results import HeatmapRaster, Outcome, TargetResult
from webapp.cases import answers, uploads
from webapp.cases import service as cases
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.histology import service as histology
from webapp.intake.rebuild import CleanImage
from webapp.models import (
    Analysis,
    AnalysisState,
    AuditEvent,
    BodySite,
    Case,
    CaseState,
    Centre,
    Diagnosis,
    FailureReason,
    HistologyResult,
    Management,
    Role,
    User,
    utcnow,
)
from webapp.review import claims
from webapp.review import service as reviews
from webapp.storage.store import store_of
from webapp.triage import rank
from webapp.triage.risk import Shown

PATTERNS = {"PN": 0.12, "U": 0.34, "ON": 0.05, "MG": 0.03, "ML": 0.02, "SW": 0.4, "AT": 0.91}
YEARS = timedelta(days=1000)


class Clinic(World):
    """The people and cases of the running program, accessed from outside it."""

    def settled_case(
        self,
        gp: str,
        result: Outcome | FailureReason | None = None,
        pictures: tuple[bytes, ...] | None = None,
        **facts: object,
    ) -> str:
        """A case whose analysis has this result; None: a worker is still busy with it, for most of an hour."""
        store = store_of(self.app)
        shown = {"patient_reference": "TEST-1", "body_site": BodySite.FACE} | facts
        new = cases.NewCase(submission_token=str(uuid.uuid4()), **shown)  # type: ignore[arg-type]
        files = [(f"Image {i}", io.BytesIO(data).read) for i, data in enumerate(pictures or (drawn(),), start=1)]
        with self.app.app_context():
            clean = uploads.clean_images(files)  # slow, so not while the database is locked
        with self.app.app_context(), transaction() as session:
            user = session.query(User).filter_by(email=gp).one()
            case = cases.submit(user, new, uploads.store(clean))
            for image, stored in zip(case.images, clean, strict=True):
                analysis: Analysis = image.analyses[-1]
                analysis.state, analysis.lease_owner, analysis.attempts = AnalysisState.RUNNING, "test", 1
                analysis.lease_until = utcnow() + timedelta(minutes=50)  # over an hour would count as a wrong clock
                session.flush()
                if isinstance(result, Outcome):
                    framed = replace(result, region=centre_square(stored))
                    assert results.finish(analysis.id, "test", results.stored(framed, store))
                elif result is not None:
                    analysis.state, analysis.failure = AnalysisState.FAILED, result
            rank.refresh(case)
            return case.number

    def set_rate(self, centre: str, rate: float) -> None:
        with self.app.app_context(), transaction() as session:
            session.query(Centre).filter_by(name=centre).one().bcc_rate = rate

    def claim(self, number: str, email: str) -> None:
        with self.app.app_context(), transaction() as session:
            user = session.query(User).filter_by(email=email).one()
            claims.claim(user, session.query(Case).filter_by(number=number).one())

    def decide(
        self,
        number: str,
        email: str,
        advice: str = "Please refer. Synthetic example.",
        management: Management = Management.BIOPSY,
    ) -> None:
        self.claim(number, email)
        with self.app.app_context(), transaction() as session:
            user = session.query(User).filter_by(email=email).one()
            case = session.query(Case).filter_by(number=number).one()
            reviews.decide(user, case, reviews.Decision(Diagnosis.BCC, management, advice), Shown.of(case))

    def enter_histology(self, number: str, email: str, result: HistologyResult) -> None:
        with self.app.app_context(), transaction() as session:
            user = session.query(User).filter_by(email=email).one()
            histology.enter(user, session.query(Case).filter_by(number=number).one(), result, "", None)

    def close(self, number: str, gp: str) -> None:
        """The GP opens the answer and closes the case."""
        with self.app.app_context(), transaction() as session:
            user = session.query(User).filter_by(email=gp).one()
            case = answers.open_answer(user, number)
            assert case is not None
            answers.close(user, case)

    def wait_since(self, number: str, moment: datetime) -> None:
        with self.app.app_context(), transaction() as session:
            case = session.query(Case).filter_by(number=number).one()
            case.waiting_since = moment
            rank.refresh(case)

    @contextmanager
    def long_ago(self) -> Iterator[None]:
        """Within the block, every case was sent years ago."""
        self._send_earlier(YEARS)
        try:
            yield
        finally:
            self._send_earlier(-YEARS)

    def _send_earlier(self, by: timedelta) -> None:
        with self.app.app_context(), transaction() as session:
            for case in session.query(Case):
                case.submitted_at -= by

    @contextmanager
    def without_other_admins(self, email: str) -> Iterator[None]:
        """Within the block, this is the only administrator."""
        with self.app.app_context(), transaction() as session:
            others = session.query(User).filter(User.role == Role.ADMIN, User.active, User.email != email)
            known = [user.id for user in others]
        self._activate(known, active=False)
        try:
            yield
        finally:
            self._activate(known, active=True)

    def _activate(self, ids: list[int], *, active: bool) -> None:
        with self.app.app_context(), transaction() as session:
            for user in session.query(User).filter(User.id.in_(ids)):
                user.active = active

    def withdraw_everything(self) -> None:
        """Leave the worklist empty."""
        with self.app.app_context(), transaction() as session:
            for case in session.query(Case).filter_by(is_open=True):
                case.move_to(CaseState.WITHDRAWN)
                case.closed_at = utcnow()

    def count(self, gp: str) -> int:
        """How many cases this GP has sent."""
        with self.app.app_context(), transaction() as session:
            user = session.query(User).filter_by(email=gp).one()
            return int(session.query(Case).filter_by(submitted_by_id=user.id).count())

    def audited(self, number: str, *, views: bool = False) -> list[str]:
        """The audit events of a case, in order; views of it only with ``views``."""
        with self.app.app_context(), transaction() as session:
            case = session.query(Case).filter_by(number=number).one()
            events = session.query(AuditEvent).filter_by(subject_type="case_file", subject_id=str(case.id))
            noted = [event.action for event in events.order_by(AuditEvent.id)]
            return [action for action in noted if views or action != "case.viewed"]

    def models_of(self, number: str) -> tuple[list[str], list[str]]:
        """The model versions of a case's results: (in force, shadow)."""
        with self.app.app_context(), transaction() as session:
            case = session.query(Case).filter_by(number=number).one()
            results = [analysis for image in case.images for analysis in image.analyses]
            named = [(result.is_current, result.model_version.reference) for result in results if result.model_version]
        return [name for current, name in named if current], [name for current, name in named if not current]

    def user_id(self, email: str) -> int:
        with self.app.app_context(), transaction() as session:
            return int(session.query(User).filter_by(email=email).one().id)

    def invitation(self, email: str) -> str:
        """The path of a link for choosing a password."""
        with self.app.app_context(), transaction() as session:
            return accounts.invitation_path(session.query(User).filter_by(email=email).one())

    def let_go(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


def centre_square(image: CleanImage) -> dict[str, int]:
    square = region(image.width, image.height)
    return {"left": square.left, "top": square.top, "size": square.size}


def full_outcome(probability: float = 0.86) -> Outcome:
    """A model's result with all findings: three patterns in every degree, one of them without a place."""
    answer = outcome(probability, melanoma=0.31, scc=0.04)
    patterns = [_pattern(code, p) for code, p in PATTERNS.items()]
    findings = [_with_a_map(finding) for finding in [*answer.findings, *patterns]]
    lesion = {"bcc": probability * 0.6, "mel": 0.31, "nv": 0.05, "bkl": 0.03, "scc": 0.02, "other": 0.01}
    lesion |= {"akiec": 0.01, "df": 0.0, "vasc": 0.0}
    return replace(answer, findings=findings, lesion=lesion, card=card(entry("SW", told_apart=False)))


def _pattern(code: str, probability: float) -> TargetResult:
    return found(code, probability, placed=code != "U", told_apart=code != "SW")


def _with_a_map(finding: TargetResult) -> TargetResult:
    return replace(finding, strength=0.9 * finding.probability, map=_heatmap() if finding.map else None)


def unsure_outcome() -> Outcome:
    reason = Reason.CLINICAL
    reasons = [{"code": reason.value, "message": reason.message}]
    return replace(full_outcome(0.34), needs_person=True, modality=Modality.CLINICAL, reasons=reasons)


def former_outcome(probability: float = 0.86) -> Outcome:
    """A result as models gave it before calls: BCC and two patterns, each map on a scale of its own."""
    given = {"BCC": probability, "PN": 0.12, "AT": 0.91}
    kept = [replace(found(code, p), call=None, placed=None, strength=0.4 * p) for code, p in given.items()]
    findings = [replace(finding, map=_heatmap() if finding.map else None) for finding in kept]
    return replace(outcome(probability), findings=findings, modality=None, card=former_card(), weights_sha256="f" * 64)


def _heatmap() -> HeatmapRaster:
    gradient = Image.radial_gradient("L").resize((7, 7)).point(lambda value: 255 - value)
    buffer = io.BytesIO()
    gradient.save(buffer, "PNG")
    return HeatmapRaster(png=buffer.getvalue(), peak_x=0.5, peak_y=0.5, extent=0.2)

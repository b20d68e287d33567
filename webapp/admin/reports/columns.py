"""The columns of the export: name, meaning and value in one place; the data dictionary is made from them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ml.patterns import Call, Lesion, Pattern
from webapp.models import Case, HistologyResult, PatternAnswer, Review, Surface
from webapp.triage import concern, due
from webapp.triage.rank import Section

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    name: str
    meaning: str
    value: Callable[[Case], Cell]


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _highest(case: Case, target: str) -> float | None:
    found = [f.probability for analysis in concern.done(case) for f in analysis.findings if f.target == target]
    return max(found, default=None)


_STRONGEST_FIRST = (Call.LIKELY, Call.POSSIBLE, Call.NOT_TOLD_APART, Call.NOT_SEEN)


def _call(case: Case, target: str) -> str | None:
    """The strongest of the images'."""
    found = {f.call for analysis in concern.done(case) for f in analysis.findings if f.target == target}
    return next((call.value for call in _STRONGEST_FIRST if call in found), None)


def _modalities(case: Case) -> str:
    return " ".join(sorted({a.modality.value for a in concern.done(case) if a.modality}))


def _models(case: Case) -> str:
    return " ".join(sorted({a.model_version.reference for a in concern.done(case) if a.model_version}))


def _review(case: Case) -> Review | None:
    return None if case.voiding else case.standing_review


def _label(case: Case, pattern: Pattern) -> str | None:
    review = _review(case)
    answers = {a.pattern: a.answer for a in review.assessments} if review else {}
    return answers[pattern].value if pattern in answers else None


def _patterns(case: Case) -> str:
    """As the worklist's filter has them."""
    findings = [finding for analysis in concern.done(case) for finding in analysis.findings]
    found = {f.target for f in findings if f.present and f.call is not Call.NOT_TOLD_APART}
    return " ".join(pattern.value for pattern in Pattern if pattern.value in found)


def _other_cancer(case: Case) -> int:
    return int(any(suspicion.lesion is not Lesion.BCC for suspicion in concern.suspected(case)))


def _section(case: Case) -> str | None:
    return Section.of(case).name.lower() if case.is_open else None


CASE = [
    Column("case", "Case number", lambda case: case.number),
    Column("centre", "Centre that sent the case", lambda case: case.centre.name),
    Column("sent_at", "Time sent: ISO 8601, UTC", lambda case: _time(case.submitted_at)),
    Column(
        "state",
        "State of the case when exported; voided: entered in error, not to be used",
        lambda case: case.state.value,
    ),
    Column("open", "1: in the worklist when exported", lambda case: int(case.is_open)),
    Column(
        "section",
        f"Section of the worklist: {', '.join(section.name.lower() for section in Section)}; empty: not open",
        _section,
    ),
    Column("overdue", "1: open and past its due date", lambda case: int(case.is_open and due.is_past(case))),
    Column("unread", "1: answered, and nobody at the centre has opened the answer", lambda case: int(case.unread)),
    Column("urgency", "Urgency chosen by the GP: routine, soon, urgent", lambda case: case.urgency.value),
    Column("synthetic", "1: synthetic images, no patient", lambda case: int(case.synthetic)),
    Column("birth_year", "Year of birth", lambda case: case.birth_year),
    Column("sex", "female, male, other", lambda case: case.sex.value if case.sex else None),
    Column("phototype", "Fitzpatrick phototype, 1 to 6", lambda case: case.phototype),
    Column("body_site", "Body site chosen by the GP", lambda case: case.body_site.value),
    Column("side", "left, right (the patient's own), midline", lambda case: case.side.value if case.side else None),
    Column(
        "surface",
        f"Of the body site: {', '.join(Surface)}",
        lambda case: case.surface.value if case.surface else None,
    ),
    Column("size_mm", "Largest diameter of the lesion in millimetres, by the GP", lambda case: case.size_mm),
    Column("images", "Number of images", lambda case: len(case.images)),
]
MODEL = [
    Column("model", "Model version and first 12 digits of its weights' SHA-256; several if images differ", _models),
    Column(
        "p_bcc",
        "Calibrated probability of BCC, 0 to 1: highest of the images; not shifted by the centre's own rate",
        lambda case: _highest(case, "BCC"),
    ),
    *(
        Column(
            f"p_{lesion.value}",
            f"Calibrated probability of {lesion.label.lower()}, 0 to 1: highest of the images; empty: not given",
            lambda case, code=lesion.target: _highest(case, code),  # type: ignore[misc]
        )
        for lesion in (Lesion.SCC, Lesion.MEL)
    ),
    Column("modality", "What the images look like: dermoscopic, clinical, other; several if they differ", _modalities),
    Column(
        "needs_person",
        "1: an image has no result that can be relied on. Also of decided cases: those in the worklist have open = 1",
        lambda case: int(not concern.fully_trusted(case)),
    ),
    Column("other_cancer", "1: another skin cancer than BCC is suspected by its operating point", _other_cancer),
    Column(
        "contradiction",
        "1: the rule and the probability disagree about an image",
        lambda case: int(any(concern.contradicts_itself(analysis) for analysis in concern.done(case))),
    ),
    Column(
        "patterns",
        "Patterns present in at least one image, by their own thresholds; not those not told apart",
        _patterns,
    ),
    *(
        Column(
            f"p_{pattern.value.lower()}",
            f"Probability of {pattern.label.lower()}, 0 to 1: highest of the images; empty: not assessed by this model",
            lambda case, code=pattern.value: _highest(case, code),  # type: ignore[misc]
        )
        for pattern in Pattern
    ),
    *(
        Column(
            f"call_{pattern.value.lower()}",
            f"{pattern.label} as the model calls it: {', '.join(_STRONGEST_FIRST)}; strongest of the images",
            lambda case, code=pattern.value: _call(case, code),  # type: ignore[misc]
        )
        for pattern in Pattern
    ),
]
LABELS = [
    Column(
        "decisions",
        "Number of decisions, including those changed or taken back; the next columns show the decision in force. "
        "A void case has none",
        lambda case: 0 if case.voiding else len(case.reviews),
    ),
    Column(
        "decided_at", "Time decided: ISO 8601, UTC", lambda case: _time(r.decided_at) if (r := _review(case)) else None
    ),
    Column(
        "reader", "Account number of the dermatologist", lambda case: r.reviewer_id if (r := _review(case)) else None
    ),
    Column(
        "diagnosis", "The dermatologist's diagnosis", lambda case: r.diagnosis.value if (r := _review(case)) else None
    ),
    Column("management", "Management decided", lambda case: r.management.value if (r := _review(case)) else None),
    Column(
        "model_wrong",
        "1: the dermatologist noted that the model was wrong",
        lambda case: int(r.model_wrong) if (r := _review(case)) else None,
    ),
    Column(
        "marks",
        "Number of marks that the dermatologist placed on the images for the GP",
        lambda case: len(r.marks) if (r := _review(case)) else None,
    ),
    Column(
        "histology",
        f"Histology result: {', '.join(HistologyResult)}; empty: not entered",
        lambda case: case.histology.result.value if case.histology and not case.voiding else None,
    ),
    *(
        Column(
            f"label_{pattern.value.lower()}",
            f"{pattern.label} as assessed by the dermatologist: {', '.join(PatternAnswer)}; empty: not recorded",
            lambda case, pattern=pattern: _label(case, pattern),  # type: ignore[misc]
        )
        for pattern in Pattern
    ),
]
COLUMNS = [*CASE, *MODEL, *LABELS]

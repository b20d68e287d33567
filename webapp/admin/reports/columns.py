"""The columns of the export: name, meaning and value in one place; the data dictionary is made from them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ml.patterns import Call, Lesion, Pattern
from webapp.models import Analysis, AnalysisState, Case, HistologyResult, Image, PatternAnswer, Review

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    name: str
    meaning: str
    value: Callable[[Case], Cell]


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _analyses(case: Case) -> list[Analysis]:
    """The finished results in force."""
    found = [image.current_analysis for image in case.images]
    return [analysis for analysis in found if analysis is not None and analysis.state is AnalysisState.DONE]


def _highest(case: Case, target: str) -> float | None:
    found = [f.probability for analysis in _analyses(case) for f in analysis.findings if f.target == target]
    return max(found, default=None)


_STRONGEST_FIRST = (Call.LIKELY, Call.POSSIBLE, Call.NOT_TOLD_APART, Call.NOT_SEEN)


def _call(case: Case, target: str) -> str | None:
    """The strongest of the images'."""
    found = {f.call for analysis in _analyses(case) for f in analysis.findings if f.target == target}
    return next((call.value for call in _STRONGEST_FIRST if call in found), None)


def _modalities(case: Case) -> str:
    return " ".join(sorted({a.modality.value for a in _analyses(case) if a.modality}))


def _models(case: Case) -> str:
    return " ".join(sorted({a.model_version.reference for a in _analyses(case) if a.model_version}))


def _review(case: Case) -> Review | None:
    return case.standing_review


def _label(case: Case, pattern: Pattern) -> str | None:
    review = _review(case)
    answers = {a.pattern: a.answer for a in review.assessments} if review else {}
    return answers[pattern].value if pattern in answers else None


def _unreliable(case: Case) -> int:
    return int(any(_unsure(image) for image in case.images))


def _unsure(image: Image) -> bool:
    analysis = image.current_analysis
    return analysis is None or analysis.state is not AnalysisState.DONE or analysis.needs_person is not False


CASE = [
    Column("case", "Case number", lambda case: case.number),
    Column("centre", "Centre that sent the case", lambda case: case.centre.name),
    Column("sent_at", "Time sent: ISO 8601, UTC", lambda case: _time(case.submitted_at)),
    Column("state", "State of the case when exported", lambda case: case.state.value),
    Column("urgency", "Urgency chosen by the GP: routine, soon, urgent", lambda case: case.urgency.value),
    Column("synthetic", "1: synthetic images, no patient", lambda case: int(case.synthetic)),
    Column("birth_year", "Year of birth", lambda case: case.birth_year),
    Column("sex", "female, male, other", lambda case: case.sex.value if case.sex else None),
    Column("phototype", "Fitzpatrick phototype, 1 to 6", lambda case: case.phototype),
    Column("body_site", "Body site chosen by the GP", lambda case: case.body_site.value),
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
    Column("needs_person", "1: an image has no result, or none that can be relied on", _unreliable),
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
        "Number of decisions, including those changed or taken back; the next columns show the decision in force",
        lambda case: len(case.reviews),
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
        lambda case: case.histology.result.value if case.histology else None,
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

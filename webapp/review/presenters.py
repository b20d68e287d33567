"""What the dermatologist's templates would otherwise have to work out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from flask import url_for

from ml.patterns import Lesion, Pattern, Verdict, clinical_rule
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    CaseState,
    Claim,
    Finding,
    Image,
    OperatingPoint,
    Review,
    TriageReason,
    User,
    utcnow,
)

OTHER_CANCERS = (Lesion.MEL, Lesion.AKIEC)
WORTH_SAYING = 0.3
"""Share of the lesion-type head from which another cancer is named; low on purpose: it only adds a remark."""


def _held(case: Case) -> Claim | None:
    now = utcnow()
    return next((c for c in case.claims if c.released_at is None and c.expires_at > now), None)


def other_suspicions(case: Case) -> list[str]:
    """Cancers other than BCC that the lesion-type head sees in any image, so that a low P(BCC) never buries them."""
    shares = [image.current_analysis.lesion for image in case.images if image.current_analysis]
    highest = {lesion: max((share.get(lesion.value, 0.0) for share in shares), default=0.0) for lesion in OTHER_CANCERS}
    return [f"{lesion.label} {share * 100:.0f} %" for lesion, share in highest.items() if share >= WORTH_SAYING]


@dataclass(frozen=True)
class WorklistRow:
    case: Case
    user: User

    @property
    def cover(self) -> Image | None:
        return self.case.images[0] if self.case.images else None

    @property
    def reader(self) -> Claim | None:
        """Somebody else who is reading the case now."""
        held = _held(self.case)
        return held if held is not None and held.user_id != self.user.id else None

    @property
    def mine(self) -> bool:
        held = _held(self.case)
        return held is not None and held.user_id == self.user.id

    @property
    def why(self) -> str:
        """In words, why the case stands where it stands."""
        if self.case.triage_reason is TriageReason.MODEL_UNSURE:
            return " ".join(dict.fromkeys(_messages(self.case))) or self.case.triage_reason.label
        if self.case.triage_reason is TriageReason.PROBABILITY:
            return "The model suspects BCC" if self._bcc else "The model does not suspect BCC"
        return self.case.triage_reason.label

    @property
    def _bcc(self) -> bool:
        return any(image.current_analysis is not None and image.current_analysis.bcc for image in self.case.images)

    @property
    def suspicions(self) -> list[str]:
        return other_suspicions(self.case)


def _messages(case: Case) -> list[str]:
    analyses = [image.current_analysis for image in case.images]
    return [reason["message"] for analysis in analyses if analysis for reason in analysis.reasons]


@dataclass(frozen=True)
class PatternRow:
    """A pattern that the model assessed, and what its training for it rests on."""

    pattern: Pattern
    finding: Finding
    evidence: str


@dataclass(frozen=True)
class ImageReading:
    """One image with what the model said of it."""

    image: Image

    @cached_property
    def analysis(self) -> Analysis | None:
        return self.image.current_analysis

    @property
    def done(self) -> bool:
        return self.analysis is not None and self.analysis.state is AnalysisState.DONE

    @property
    def state_sentence(self) -> str:
        """Why there is no result, in words; empty where there is one."""
        if self.analysis is None or self.analysis.state in (AnalysisState.QUEUED, AnalysisState.RUNNING):
            return "Not analysed yet. You can read and decide without the model."
        if self.analysis.state is AnalysisState.FAILED and self.analysis.failure is not None:
            return f"{self.analysis.failure.sentence} Please judge without the model."
        return ""

    @cached_property
    def findings(self) -> dict[str, Finding]:
        return {finding.target: finding for finding in self.analysis.findings} if self.analysis else {}

    @property
    def bcc(self) -> Finding | None:
        return self.findings.get("BCC")

    @property
    def overlays(self) -> list[dict[str, object]]:
        """What the viewer can lay over the image: one entry for each present finding that has a map."""
        return [
            {
                "target": finding.target,
                "label": target_label(finding.target),
                "url": url_for("media.heatmap", finding_id=finding.id),
                "strength": round(finding.strength or 0.0, 3),
                "words": heatmap_words(finding),
            }
            for finding in self.findings.values()
            if finding.counts and finding.heatmap_key
        ]

    @property
    def patterns(self) -> list[PatternRow]:
        assessed = [pattern for pattern in Pattern if pattern.value in self.findings]
        return [PatternRow(pattern, self.findings[pattern.value], self._evidence(pattern)) for pattern in assessed]

    @property
    def not_assessed(self) -> list[str]:
        return [pattern.label.lower() for pattern in Pattern if pattern.value not in self.findings]

    def _evidence(self, pattern: Pattern) -> str:
        return str(self._target(pattern.value).get("evidence", ""))

    def _target(self, code: str) -> dict[str, object]:
        return next((target for target in self._card.get("targets", []) if target["code"] == code), {})

    @property
    def _card(self) -> dict[str, list[dict[str, object]]]:
        version = self.analysis.model_version if self.analysis else None
        return version.card if version else {}

    @property
    def notice(self) -> str:
        """What the model's own card says of its validation."""
        return str(self._card.get("notice", ""))

    @property
    def wanted_sensitivity(self) -> float | None:
        """The share of BCC that the threshold was chosen to find."""
        point = self._operating_point
        return point.wanted if point else None

    @property
    def threshold(self) -> float | None:
        """P(BCC) from which the image counts as suspected."""
        point = self._operating_point
        return point.threshold if point else None

    @property
    def _operating_point(self) -> OperatingPoint | None:
        version = self.analysis.model_version if self.analysis else None
        return version.operating_point if version else None

    @cached_property
    def verdict(self) -> Verdict:
        return clinical_rule({p: self.findings[p.value].present for p in Pattern if p.value in self.findings})

    @property
    def contradiction(self) -> str:
        """A sentence when the clinical rule and the probability disagree; empty otherwise."""
        if self.analysis is None or self.analysis.bcc is None or not self.verdict.contradicts(self.analysis.bcc):
            return ""
        return (
            "The probability speaks for BCC, the patterns speak against it. Please look closely."
            if self.analysis.bcc
            else "The patterns speak for BCC, the probability speaks against it. Please look closely."
        )

    @property
    def lesions(self) -> list[tuple[str, float]]:
        """The three likeliest lesion types with their shares."""
        shares = self.analysis.lesion if self.analysis else {}
        ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
        return [(Lesion(code).label, share) for code, share in ranked[:3]]


_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "middle", "right")


def heatmap_words(finding: Finding) -> str:
    """The text equivalent of a heatmap: where it is strongest, and how far it spreads."""
    if finding.peak_x is None or finding.peak_y is None or finding.extent is None:
        return ""
    row, column = _ROWS[min(int(finding.peak_y * 3), 2)], _COLUMNS[min(int(finding.peak_x * 3), 2)]
    place = (
        "centre"
        if row == column == "middle"
        else f"{row} {column}"
        if "middle" not in (row, column)
        else (f"{row} part" if column == "middle" else f"{column} part")
    )
    share = max(1, round(finding.extent * 100))
    return f"strongest in the {place} of the framed square; {share} % of the square reaches half of that."


def target_label(code: str) -> str:
    return "Basal cell carcinoma" if code == "BCC" else Pattern(code).label


@dataclass(frozen=True)
class Reading:
    """A case as one dermatologist sees it at this moment."""

    case: Case
    user: User

    @cached_property
    def images(self) -> list[ImageReading]:
        return [ImageReading(image) for image in self.case.images]

    @cached_property
    def claim(self) -> Claim | None:
        return _held(self.case)

    @property
    def can_decide(self) -> bool:
        return self.case.is_open and self.claim is not None and self.claim.user_id == self.user.id

    @property
    def busy(self) -> Claim | None:
        return self.claim if self.claim is not None and self.claim.user_id != self.user.id else None

    @property
    def review(self) -> Review | None:
        """The decision that stands, once the case is no longer open."""
        return self.case.reviews[-1] if self.case.reviews and not self.case.is_open else None

    @property
    def earlier(self) -> list[Review]:
        """Requests for new images that were made before this reading."""
        return [review for review in self.case.reviews if review is not self.review]

    @property
    def age(self) -> int | None:
        return datetime.now(UTC).year - self.case.birth_year if self.case.birth_year else None

    @property
    def suspicions(self) -> list[str]:
        return other_suspicions(self.case)

    @property
    def withdrawn(self) -> bool:
        return self.case.state is CaseState.WITHDRAWN

"""One image as the review page shows it: the model's result in numbers and in words."""

from dataclasses import dataclass
from functools import cached_property

from flask import url_for

from ml.patterns import Lesion, Pattern, Verdict
from webapp.models import Analysis, AnalysisState, Finding, Image, OperatingPoint
from webapp.models.states import PENDING_STATES
from webapp.triage import concern


@dataclass(frozen=True)
class PatternRow:
    """A pattern that the model assessed, and the evidence its training rests on."""

    pattern: Pattern
    finding: Finding
    evidence: str


@dataclass(frozen=True)
class ImageReading:
    """One image with the model's result."""

    image: Image

    @cached_property
    def analysis(self) -> Analysis | None:
        return self.image.current_analysis

    @property
    def done(self) -> bool:
        return self.analysis is not None and self.analysis.state is AnalysisState.DONE

    @property
    def state_sentence(self) -> str:
        """Why there is no result, in words; empty if there is one."""
        if self.analysis is None or self.analysis.state in PENDING_STATES:
            return "Not analysed yet. You can review and decide without the model."
        if self.analysis.state is AnalysisState.FAILED and self.analysis.failure is not None:
            return f"{self.analysis.failure.sentence} Please decide without the model."
        return ""

    @cached_property
    def findings(self) -> dict[str, Finding]:
        return {finding.target: finding for finding in self.analysis.findings} if self.analysis else {}

    @property
    def bcc(self) -> Finding | None:
        return self.findings.get("BCC")

    @property
    def suspects_bcc(self) -> bool:
        return self.bcc is not None and concern.present(self.bcc)

    @property
    def overlays(self) -> list[dict[str, object]]:
        """What the viewer can lay over the image: one entry per present finding with a heatmap."""
        return [
            {
                "target": finding.target,
                "label": target_label(finding.target),
                "url": url_for("media.heatmap", finding_id=finding.id),
                "strength": round(finding.strength or 0.0, 3),
                "words": heatmap_words(finding),
            }
            for finding in self.findings.values()
            if concern.present(finding) and finding.heatmap_key
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
        """What the model's card says about its validation."""
        return str(self._card.get("notice", ""))

    @property
    def target_sensitivity(self) -> float | None:
        """The share of BCCs that the threshold was chosen to find."""
        point = self._operating_point
        return point.target_sensitivity if point else None

    @property
    def threshold(self) -> float | None:
        """P(BCC) from which the image counts as suspected."""
        point = self._operating_point
        return point.threshold if point else None

    @property
    def _operating_point(self) -> OperatingPoint | None:
        version = self.analysis.model_version if self.analysis else None
        return version.operating_point if version else None

    @property
    def verdict(self) -> Verdict | None:
        return self.analysis.verdict if self.analysis else None

    @property
    def contradiction(self) -> str:
        """A sentence if the clinical rule and the probability disagree; empty otherwise."""
        if self.analysis is None or not concern.contradicts_itself(self.analysis):
            return ""
        return (
            "The probability suggests BCC, but the patterns do not. Please look closely."
            if concern.says_bcc(self.analysis)
            else "The patterns suggest BCC, but the probability does not. Please look closely."
        )

    @property
    def lesions(self) -> list[tuple[str, float]]:
        """The three most likely lesion types with their shares (0 to 1)."""
        shares = self.analysis.lesion if self.analysis else {}
        ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
        return [(Lesion(code).label, share) for code, share in ranked[:3]]


_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "middle", "right")


def heatmap_words(finding: Finding) -> str:
    """A heatmap in words: where it is strongest, and how far it spreads."""
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
    return (
        f"strongest in the {place} of the framed square; {share} % of the square reaches at least half that strength."
    )


def target_label(code: str) -> str:
    return "Basal cell carcinoma" if code == "BCC" else Pattern(code).label

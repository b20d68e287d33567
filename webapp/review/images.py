"""One image as the review page shows it: the model's result in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from flask import url_for

from ml.patterns import MALIGNANT, Call, Lesion, Pattern, Verdict
from webapp.analysis import cards
from webapp.core.filters import percent
from webapp.models import Analysis, AnalysisState, Finding, Image
from webapp.models.states import PENDING_STATES
from webapp.review.lead import short_name
from webapp.review.patterns import (
    NOT_TOLD_APART,
    PatternRow,
    against_thresholds,
    by_evidence,
    pattern_rows,
    rule_sentence,
)
from webapp.triage import concern, switch

if TYPE_CHECKING:
    from ml.card import Promise


@dataclass(frozen=True)
class CancerRow:
    """A cancer's probability in one image; ``threshold``: its operating point in force; ``finding``: None without."""

    lesion: Lesion
    probability: float
    suspected: bool
    threshold: float | None
    finding: Finding | None

    @property
    def short_name(self) -> str:
        return short_name(self.lesion)


@dataclass(frozen=True)
class ImageReading:
    """One image with the model's result."""

    image: Image

    @cached_property
    def analysis(self) -> Analysis | None:
        return concern.result(self.image)

    @property
    def done(self) -> bool:
        return self.analysis is not None and self.analysis.state is AnalysisState.DONE

    @property
    def state_sentence(self) -> str:
        """Why there is no result, in words; empty if there is one."""
        if switch.is_off():
            return "The model is switched off. Please decide without it."
        if self.analysis is None or self.analysis.state in PENDING_STATES:
            return "Not analysed yet. You can review and decide without the model."
        if self.analysis.state is AnalysisState.FAILED and self.analysis.failure is not None:
            return f"{self.analysis.failure.sentence} Please decide without the model."
        return ""

    @cached_property
    def findings(self) -> dict[str, Finding]:
        return {finding.target: finding for finding in self.analysis.findings} if self.analysis else {}

    @property
    def trusted(self) -> bool:
        return concern.trusted(self.analysis)

    @cached_property
    def cancers(self) -> list[CancerRow]:
        """Every cancer that it gives a probability for: the lead suspicion first."""
        if self.analysis is None:
            return []
        return [
            CancerRow(
                found.lesion,
                found.probability,
                found.suspected,
                self._threshold(found.lesion),
                self.findings.get(found.lesion.target),
            )
            for found in concern.suspicions_in([self.analysis])
        ]

    @cached_property
    def _seen(self) -> list[Finding]:
        """The present findings: cancers with the strongest suspicion first, then patterns with the likely ones first.

        Of patterns that are not told apart only the one with the strongest map.
        """
        suspicions = concern.suspicions_in([self.analysis]) if self.analysis else []
        order = [suspicion.lesion.target for suspicion in suspicions]
        present = [finding for finding in self.findings.values() if concern.present(finding)]
        alike = [finding for finding in present if finding.call is Call.NOT_TOLD_APART]
        strongest = max(alike, key=lambda finding: finding.strength or 0.0, default=None)
        kept = [finding for finding in present if finding not in alike or finding is strongest]

        def place(finding: Finding) -> tuple[int, bool]:
            known = finding.target in order
            return order.index(finding.target) if known else len(order), finding.call is not Call.LIKELY

        return sorted(kept, key=place)

    @property
    def overlays(self) -> list[dict[str, object]]:
        """What the viewer can lay over the image: one entry per present finding with a heatmap."""
        return list(self._maps.values())

    @cached_property
    def _maps(self) -> dict[str, dict[str, object]]:
        return {
            finding.target: {
                "target": finding.target,
                "label": finding_label(finding),
                "url": url_for("media.heatmap", finding_id=finding.id),
                "strength": round(finding.strength or 0.0, 3),
                "words": heatmap_words(finding),
            }
            for finding in self._seen
            if finding.heatmap_key
        }

    def map_of(self, finding: Finding | None) -> dict[str, object] | None:
        """The heatmap of a cancer or pattern shown in words; None if there is none to show."""
        return self._maps.get(finding.target) if finding else None

    @property
    def without_place(self) -> list[str]:
        """The present findings whose map is too weak to say where."""
        return [finding_label(finding) for finding in self._seen if finding.placed is False]

    @property
    def one_scale(self) -> bool:
        """Whether all maps of a finding share one scale, as those of present models do."""
        return any(finding.placed is not None for finding in self.findings.values())

    @property
    def patterns(self) -> list[PatternRow]:
        return pattern_rows(self.findings)

    @property
    def present_patterns(self) -> list[PatternRow]:
        """The present ones, likely ones first."""
        present = [row for row in self.patterns if row.present]
        return sorted(present, key=lambda row: row.words != Call.LIKELY.value)

    @property
    def against_thresholds(self) -> list[str]:
        return against_thresholds(self.findings, self._thresholds)

    def _thresholds(self, pattern: Pattern) -> list[tuple[str, float]]:
        """(call, from where on), as the card of its model has them."""
        version = self.analysis.model_version if self.analysis else None
        known = cards.target(version, pattern.value)
        if known is None:
            return []
        likely = [(Call.LIKELY.value, known.threshold)]
        return likely if known.possible_from is None else [(Call.POSSIBLE.value, known.possible_from), *likely]

    @property
    def evidence(self) -> list[tuple[str, str]]:
        """(patterns, the evidence on which the model names them), where it calls them in words."""
        return by_evidence(self.findings, self._evidence)

    @property
    def not_assessed(self) -> list[str]:
        return [pattern.label.lower() for pattern in Pattern if pattern.value not in self.findings]

    def _evidence(self, pattern: Pattern) -> str:
        version = self.analysis.model_version if self.analysis else None
        return str(version.target(pattern.value).get("evidence", "")) if version else ""

    @property
    def notice(self) -> str:
        """What the model's card says about its validation."""
        version = self.analysis.model_version if self.analysis else None
        return str(version.card.get("notice", "")) if version else ""

    def _threshold(self, lesion: Lesion) -> float | None:
        """None for a cancer of which a former model gave only the lesion-type share."""
        known = self.analysis if lesion.target in self.findings else None
        return concern.operating_point(known, lesion) if known else None

    @property
    def promises(self) -> list[tuple[str, Promise]]:
        """(cancer, what its threshold achieved on one collection). None of BCC if the clinic uses another threshold."""
        version = self.analysis.model_version if self.analysis else None
        if version is None:
            return []
        shown = [lesion for lesion in MALIGNANT if lesion is not Lesion.BCC or not self.another_threshold]
        found = [target for lesion in shown if (target := cards.target(version, lesion.target))]
        return [(target.label, promise) for target in found for promise in target.promises]

    @property
    def another_threshold(self) -> bool:
        """Whether the clinic uses another threshold for BCC than the one the card gives figures for."""
        version = self.analysis.model_version if self.analysis else None
        return version is not None and version.operating_point != version.default_point

    @property
    def at_centre_rate(self) -> float | None:
        """P(BCC) at the centre's own rate, where it has one."""
        rate = self.image.case.centre.bcc_rate
        return cards.at_centre_rate(self.analysis, rate) if self.analysis is not None else None

    @property
    def fitted_on(self) -> str:
        """At which share of BCC the probability is as the model gives it."""
        version = self.analysis.model_version if self.analysis else None
        known = cards.target(version, Lesion.BCC.target)
        return percent(known.prior) if known else ""

    @property
    def in_short(self) -> str:
        """The result in two or three words, for the filmstrip."""
        if not self.done:
            return "No result"
        if not self.trusted:
            return "Uncertain"
        lead = self.cancers[0]
        return f"{lead.short_name} {percent(lead.probability)}"

    @property
    def suspected(self) -> bool:
        return any(row.suspected for row in self.cancers)

    @property
    def verdict(self) -> Verdict | None:
        return self.analysis.verdict if self.analysis else None

    @property
    def rule_sentence(self) -> str:
        return rule_sentence(self.verdict, self.findings) if self.verdict else ""

    @property
    def contradiction(self) -> bool:
        """Whether the clinical rule and the probability disagree."""
        return self.analysis is not None and concern.contradicts_itself(self.analysis)

    @property
    def together(self) -> str:
        """What the clinical rule and the probability of BCC say together; empty without a probability."""
        bcc = concern.says_bcc(self.analysis) if self.analysis else None
        if bcc is None or self.verdict is None:
            return ""
        if self.verdict.bcc is None:
            return f"The probability alone {'suggests' if bcc else 'does not suggest'} BCC."
        if self.verdict.contradicts(bcc):
            says, denies = ("probability", "rule") if bcc else ("rule", "probability")
            return f"They disagree: the {says} suggests BCC, the {denies} does not. Please look closely."
        return "Rule and probability both suggest BCC." if bcc else "Neither rule nor probability suggests BCC."

    @property
    def lesions(self) -> list[tuple[str, float]]:
        """The lesion types that are no cancer, with their shares (0 to 1), the most likely first."""
        shares = self.analysis.lesion if self.analysis else {}
        ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
        return [(Lesion(code).label, share) for code, share in ranked if Lesion(code) not in MALIGNANT]


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
    return f"strongest in the {place} of the framed square; {share} % of it reaches half that strength."


def finding_label(finding: Finding) -> str:
    if finding.call is Call.NOT_TOLD_APART:
        return NOT_TOLD_APART
    cancer = next((lesion for lesion in MALIGNANT if lesion.target == finding.target), None)
    return Pattern(finding.target).label if cancer is None else cancer.label

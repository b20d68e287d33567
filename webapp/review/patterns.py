"""The patterns of one image in words: what the model calls them, on what evidence, and what the clinical rule says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ml.patterns import Call, Pattern, Verdict
from webapp.core.filters import percent
from webapp.models import Finding

NOT_TOLD_APART = "BCC structure, kind not told apart"


@dataclass(frozen=True)
class PatternRow:
    """A pattern that the model assessed, or those it does not tell apart, with the finding whose map shows them."""

    label: str
    words: str
    present: bool
    finding: Finding
    note: str = ""


def pattern_rows(findings: Mapping[str, Finding]) -> list[PatternRow]:
    """In the order of the label vector; the patterns seen but not told apart are one row, at the end."""
    assessed = [pattern for pattern in Pattern if pattern.value in findings]
    alike = [pattern for pattern in assessed if findings[pattern.value].call is Call.NOT_TOLD_APART]
    rows = [_row(pattern, findings[pattern.value]) for pattern in assessed if pattern not in alike]
    if alike:
        strongest = max((findings[pattern.value] for pattern in alike), key=lambda finding: finding.strength or 0.0)
        rows.append(PatternRow(NOT_TOLD_APART, "seen", True, strongest, f"May be {_any_of(alike)}, or another."))
    return rows


def _row(pattern: Pattern, finding: Finding) -> PatternRow:
    former = "present" if finding.present else "not seen"
    return PatternRow(pattern.label, finding.call.value if finding.call else former, finding.present, finding)


def against_thresholds(
    findings: Mapping[str, Finding], thresholds: Callable[[Pattern], list[tuple[str, float]]]
) -> list[str]:
    """Each pattern that is told apart: its probability against its own thresholds, a list of (call, from where on)."""
    told = [p for p in Pattern if p.value in findings and findings[p.value].call is not Call.NOT_TOLD_APART]
    lines = []
    for pattern in told:
        limits = ", ".join(f"{call} from {percent(value)}" for call, value in thresholds(pattern))
        found = f"{pattern.label} {percent(findings[pattern.value].probability)}"
        lines.append(f"{found}: {limits}" if limits else found)
    return lines


def by_evidence(findings: Mapping[str, Finding], evidence: Callable[[Pattern], str]) -> list[tuple[str, str]]:
    """(patterns, evidence) for the assessed patterns; those with the same evidence together."""
    found: dict[str, list[str]] = {}
    for pattern in (pattern for pattern in Pattern if pattern.value in findings):
        found.setdefault(evidence(pattern), []).append(pattern.label.lower())
    return [(_listed(labels).capitalize(), text) for text, labels in found.items() if text]


def rule_sentence(verdict: Verdict, findings: Mapping[str, Finding]) -> str:
    """The rule's reason, which names no pattern that the model does not tell apart."""
    named = [p for p in verdict.patterns if findings[p.value].call is not Call.NOT_TOLD_APART]
    if not verdict.bcc or len(named) == len(verdict.patterns):
        return verdict.reason
    seen = [pattern.label.lower() for pattern in named] + ["a BCC structure whose kind is not told apart"]
    return f"No pigment network, and {_listed(seen)}."


def _any_of(patterns: list[Pattern]) -> str:
    *most, last = [pattern.label.lower() for pattern in patterns]
    return f"{', '.join(most)} or {last}" if most else last


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last

"""The patterns of one image in words: what the model calls them, on what evidence, and what the clinical rule says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ml.patterns import Call, Pattern, Verdict
from webapp.models import Finding

NOT_TOLD_APART = "BCC structure, kind not told apart"


@dataclass(frozen=True)
class PatternRow:
    """A pattern that the model assessed. ``probability``: shown only where a result of an earlier model has no call."""

    label: str
    words: str
    present: bool
    note: str = ""
    probability: float | None = None


def pattern_rows(findings: Mapping[str, Finding], evidence: Callable[[Pattern], str]) -> list[PatternRow]:
    """In the order of the label vector; the patterns seen but not told apart are one row, at the end."""
    assessed = [pattern for pattern in Pattern if pattern.value in findings]
    alike = [pattern for pattern in assessed if findings[pattern.value].call is Call.NOT_TOLD_APART]
    rows = [_row(pattern, findings[pattern.value], evidence(pattern)) for pattern in assessed if pattern not in alike]
    if alike:
        rows.append(PatternRow(NOT_TOLD_APART, "Seen", True, f"May be {_any_of(alike)}, or another."))
    return rows


def _row(pattern: Pattern, finding: Finding, evidence: str) -> PatternRow:
    if finding.call is None:
        words = "Present" if finding.present else "Absent"
        return PatternRow(pattern.label, words, finding.present, evidence, finding.probability)
    return PatternRow(pattern.label, finding.call.value.capitalize(), finding.present)


def by_evidence(findings: Mapping[str, Finding], evidence: Callable[[Pattern], str]) -> list[tuple[str, str]]:
    """(patterns, evidence) for the patterns that are called in words; those with the same evidence together."""
    called = [pattern for pattern in Pattern if pattern.value in findings and findings[pattern.value].call]
    found: dict[str, list[str]] = {}
    for pattern in called:
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

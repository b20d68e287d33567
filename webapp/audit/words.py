"""The audit trail in words."""

from dataclasses import dataclass
from typing import Any

from webapp.models import AuditEvent

ACTIONS = {
    "account.blinded": "Blinded reading changed",
    "account.changed": "Account changed",
    "account.disabled": "Account disabled",
    "account.enabled": "Account enabled",
    "account.invited": "Invited",
    "account.link_made": "New link created",
    "account.password_changed": "Password changed",
    "account.password_set": "Password set from link",
    "account.recovery_code_used": "Signed in with a recovery code",
    "account.recovery_codes_made": "Recovery codes created",
    "account.second_factor_failed": "Wrong code after correct password",
    "account.second_factor_removed": "Two-factor authentication turned off",
    "account.second_factor_reset": "Two-factor authentication reset",
    "account.second_factor_set": "Two-factor authentication set up",
    "account.sessions_ended": "Sessions ended",
    "account.sign_in_failed": "Sign-in failed",
    "account.signed_in": "Signed in",
    "account.signed_out": "Signed out",
    "analysis.abandoned": "Analysis interrupted",
    "analysis.done": "Image analysed",
    "analysis.failed": "Analysis failed",
    "answer.read": "Answer opened at the GP's centre",
    "backup.begun": "Backup begun",
    "backup.restored": "Backup restored",
    "case.added_to": "Note or images added by the GP",
    "case.amended": "Decision changed",
    "case.claimed": "Case claimed",
    "case.closed": "Case closed",
    "case.decided": "Decision made",
    "case.decision_undone": "Decision taken back",
    "case.follows": "Linked to earlier case of the lesion",
    "case.handed_over": "Case handed over",
    "case.images_added": "New images added",
    "case.impression": "Blinded impression recorded",
    "case.reference_corrected": "Patient reference corrected",
    "case.reopened": "Case re-opened",
    "case.released": "Claim released",
    "case.submitted": "Case sent",
    "case.taken_over": "Case taken over",
    "case.viewed": "Case opened",
    "case.voided": "Case voided: entered in error",
    "case.withdrawn": "Case withdrawn",
    "cases.exported": "Cases exported",
    "centre.added": "Centre added",
    "centre.changed": "Centre changed",
    "claim.expired": "Claim expired",
    "heatmap.viewed": "Heatmap viewed",
    "histology.entered": "Histology entered",
    "image.scale_set": "Scale of an image set",
    "image.viewed": "Image viewed",
    "letter.made": "Report created",
    "letterhead.changed": "Letterhead changed",
    "management.changed": "Management option changed",
    "model.switched": "Model switched off or on",
    "opinion.asked": "Second opinion requested",
    "opinion.given": "Second opinion given",
    "opinion.read": "Second opinion read",
    "patient.erased": "Patient's data erased",
    "patient.exported": "Patient's data exported",
    "preview.viewed": "Preview of an image viewed",
    "record.changed": "Record changed",
    "record.sealed": "Earlier records sealed",
    "rerun.ended": "Re-run finished",
    "rerun.started": "Re-run started",
    "rerun.stopped": "Re-run stopped",
    "retention.applied": "Case erased after retention period",
    "store.left_overs_deleted": "Left-over objects deleted from the image store",
    "store.rekeyed": "Images encrypted with another key",
    "threshold.chosen": "Operating point changed",
    "thumbnail.viewed": "Thumbnail viewed",
}
"""Every action that the program records; a test finds any that is missing here."""
OLDER_ACTIONS = {"case.recalled": "Case re-opened"}
"""Actions of older events, under the names they had then."""

KINDS = {
    "case_file": "Case",
    "image": "Image in",
    "analysis": "Analysis of",
    "finding": "Heatmap in",
    "review": "Decision on",
    "user_account": "Account:",
    "centre": "Centre",
    "model_switch": "Model switch",
    "model_version": "Model",
    "letterhead": "Letterhead",
    "rerun": "Re-run",
    "management_option": "Management option",
}

RECORDS = {
    "addition": "Addition by the GP",
    "analysis": "Model result",
    "assessment": "Assessment of a pattern",
    "case_file": "Case record",
    "claim": "Claim",
    "finding": "Model finding",
    "histology": "Histology",
    "image": "Image record",
    "impression": "Blinded impression",
    "mark": "Mark for the GP",
    "model_version": "Model version",
    "operating_point_choice": "Chosen operating point",
    "opinion": "Second opinion",
    "opinion_request": "Request for a second opinion",
    "outcome_receipt": "Receipt of an answer",
    "reference_correction": "Correction of a patient reference",
    "rerun": "Re-run",
    "retraction": "Decision taken back, record",
    "review": "Decision",
    "user_account": "Account",
    "voiding": "Voiding",
}


def record_in_words(table: str) -> str:
    """What a row of the table is called."""
    return RECORDS.get(table) or KINDS.get(table) or table.replace("_", " ").capitalize()


def action_in_words(action: str) -> str:
    return ACTIONS.get(action) or OLDER_ACTIONS.get(action, action)


@dataclass(frozen=True)
class EventRow:
    """One event: who did what to which subject, and what it changed."""

    event: AuditEvent
    subject_name: str | None

    @property
    def actor(self) -> str:
        return self.event.actor.name if self.event.actor else "System"

    @property
    def action(self) -> str:
        return action_in_words(self.event.action)

    @property
    def subject(self) -> str:
        kind = KINDS.get(self.event.subject_type, self.event.subject_type.replace("_", " ").capitalize())
        return f"{kind} {self.subject_name or self.event.subject_id}".rstrip()

    @property
    def changes(self) -> list[str]:
        """What is different afterwards: "role: gp → dermatologist", or "images: 2" where it is new."""
        before, after = self.event.before or {}, self.event.after or {}
        names = [*after, *(name for name in before if name not in after)]
        changed = [name for name in names if before.get(name) != after.get(name)]
        return [f"{name.replace('_', ' ')}: {_change(name, before, after)}" for name in changed]


def _change(name: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    return f"{_word(before[name])} → {_word(after.get(name))}" if name in before else _word(after[name])


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)

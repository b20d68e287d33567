"""The tables, one file per concept. Importing this module registers all of them."""

from webapp.core.orm import Base, utcnow
from webapp.models.addition import Addition
from webapp.models.analysis import Analysis, FailureReason, Finding, ModelVersion
from webapp.models.audit import AuditEvent, AuditHead
from webapp.models.body_site import BodySite, Side, Surface
from webapp.models.case import Case, ReopenReason, Sex, TriageReason, Urgency
from webapp.models.centre import Centre
from webapp.models.correction import ReferenceCorrection, Voiding
from webapp.models.histology import Histology, HistologyResult
from webapp.models.image import Image, QualityFlag
from webapp.models.impression import Impression
from webapp.models.letterhead import Letterhead
from webapp.models.management import ManagementOption
from webapp.models.mark import Mark
from webapp.models.model_switch import ModelSwitch
from webapp.models.operating_point import OperatingPoint, OperatingPointChoice
from webapp.models.opinion import Opinion, OpinionRequest
from webapp.models.rerun import Rerun
from webapp.models.review import Assessment, Claim, Diagnosis, Management, PatternAnswer, Receipt, Retraction, Review
from webapp.models.sign_in import Attempt, AttemptKind, SignInSession
from webapp.models.states import DECIDED_STATES, DROPPED_STATES, AnalysisState, CaseState
from webapp.models.unread import Unread
from webapp.models.user import Role, User
from webapp.models.worker import Worker

__all__ = [
    "DECIDED_STATES",
    "DROPPED_STATES",
    "Addition",
    "Analysis",
    "AnalysisState",
    "Assessment",
    "Attempt",
    "AttemptKind",
    "AuditEvent",
    "AuditHead",
    "Base",
    "BodySite",
    "Case",
    "CaseState",
    "Centre",
    "Claim",
    "Diagnosis",
    "FailureReason",
    "Finding",
    "Histology",
    "HistologyResult",
    "Image",
    "Impression",
    "Letterhead",
    "Management",
    "ManagementOption",
    "Mark",
    "ModelSwitch",
    "ModelVersion",
    "OperatingPoint",
    "OperatingPointChoice",
    "Opinion",
    "OpinionRequest",
    "PatternAnswer",
    "QualityFlag",
    "Receipt",
    "ReferenceCorrection",
    "ReopenReason",
    "Rerun",
    "Retraction",
    "Review",
    "Role",
    "Sex",
    "Side",
    "SignInSession",
    "Surface",
    "TriageReason",
    "Unread",
    "Urgency",
    "User",
    "Voiding",
    "Worker",
    "utcnow",
]

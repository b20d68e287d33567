"""The tables, one file per concept. Importing this module knows them all."""

from webapp.models.analysis import Analysis, AnalysisState, FailureReason, Finding, ModelVersion
from webapp.models.audit import AuditEvent
from webapp.models.base import Base, utcnow
from webapp.models.case import BodySite, Case, CaseState, Sex, TriageReason, Urgency
from webapp.models.centre import Centre
from webapp.models.image import Image
from webapp.models.management import ManagementOption
from webapp.models.operating_point import OperatingPoint, OperatingPointChoice
from webapp.models.rerun import Rerun
from webapp.models.review import Assessment, Claim, Diagnosis, Management, PatternAnswer, Review
from webapp.models.user import Role, User
from webapp.models.worker import Worker

__all__ = [
    "Analysis",
    "AnalysisState",
    "Assessment",
    "AuditEvent",
    "Base",
    "BodySite",
    "Case",
    "CaseState",
    "Centre",
    "Claim",
    "Diagnosis",
    "FailureReason",
    "Finding",
    "Image",
    "Management",
    "ManagementOption",
    "ModelVersion",
    "OperatingPoint",
    "OperatingPointChoice",
    "PatternAnswer",
    "Rerun",
    "Review",
    "Role",
    "Sex",
    "TriageReason",
    "Urgency",
    "User",
    "Worker",
    "utcnow",
]

"""The model's result for an image. Never overwritten by a person's decision, and never overwriting one.

For the states see `webapp.models.states`. A re-run is a new row, which in an open case supersedes the earlier one.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    literal,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ml.patterns import Call, Modality, Pattern, Verdict, clinical_rule
from webapp.core.orm import OBJECT, Base, UtcDateTime, text_enum, utcnow
from webapp.models.image import Image
from webapp.models.operating_point import OperatingPoint, OperatingPointChoice
from webapp.models.states import AnalysisState


class FailureReason(StrEnum):
    MODEL_UNAVAILABLE = "model_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    IMAGE_UNREADABLE = "image_unreadable"
    TIMED_OUT = "timed_out"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    ERROR = "error"

    @property
    def sentence(self) -> str:
        return {
            "model_unavailable": "The model could not be loaded, so nothing was analysed.",
            "store_unavailable": "The image store did not respond.",
            "image_unreadable": "The stored image could not be read back.",
            "timed_out": "The analysis took too long and was stopped.",
            "attempts_exhausted": "The analysis stopped without a result several times.",
            "error": "The analysis failed with an error.",
        }[self.value]


NOT_DERMOSCOPIC = ("clinical_photograph", "not_dermoscopic")
"""Codes of the reasons that the modality gives: those of ml.results.Reason."""


class ModelVersion(Base):
    """A bundle that a worker has loaded, with the card that describes it."""

    __tablename__ = "model_version"
    __table_args__ = (UniqueConstraint("name", "weights_sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    weights_sha256: Mapped[str] = mapped_column(String(64))
    card: Mapped[dict[str, Any]] = mapped_column(JSON)
    first_used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    choices: Mapped[list[OperatingPointChoice]] = relationship(order_by=OperatingPointChoice.id, lazy="selectin")

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.weights_sha256[:12]}"

    def target(self, code: str) -> dict[str, Any]:
        """The card's entry on a finding; empty if there is none."""
        targets = self.card.get("targets", [])
        return next((target for target in targets if target["code"] == code), {})

    @property
    def operating_points(self) -> list[OperatingPoint]:
        """Those of BCC on the card, with its test figures if it has any, else its validation figures."""
        tested = {_target(point): point for point in self.card.get("metrics", {}).get("operating_points", [])}
        points = self.target("BCC").get("operating_points", [])
        return [_operating_point(point, tested.get(_target(point))) for point in points]

    @property
    def default_point(self) -> OperatingPoint | None:
        """The card's own choice for BCC."""
        return self.point(self.target("BCC").get("default_sensitivity"))

    @property
    def operating_point(self) -> OperatingPoint | None:
        """The one of BCC in force: the administrator's latest choice, else the card's default."""
        return self.point(self.choices[-1].target_sensitivity) if self.choices else self.default_point

    def point(self, target_sensitivity: float | None) -> OperatingPoint | None:
        """The one of BCC with this target on the card."""
        points = self.operating_points
        return next((point for point in points if point.target_sensitivity == target_sensitivity), None)

    @property
    def threshold(self) -> float | None:
        """P(BCC) from which an image counts as suspected."""
        return self.operating_point.threshold if self.operating_point else None

    def threshold_of(self, code: str) -> float | None:
        """Probability of a cancer (BCC, SCC, MEL) from which it counts as suspected; None if the card gives none."""
        if code == "BCC":
            return self.threshold
        target = self.target(code)
        points, default = target.get("operating_points", []), target.get("default_sensitivity")
        return next((float(point["threshold"]) for point in points if _target(point) == default), None)


def _target(point: dict[str, float]) -> float:
    """The target sensitivity, called "wanted" in cards stored by earlier versions."""
    return float(point["target_sensitivity"] if "target_sensitivity" in point else point["wanted"])


def _operating_point(point: dict[str, float], tested: dict[str, Any] | None) -> OperatingPoint:
    measured = {name: tested[name]["value"] if tested else point[name] for name in ("sensitivity", "specificity")}
    return OperatingPoint(target_sensitivity=_target(point), threshold=float(point["threshold"]), **measured)


def _in_state(state: AnalysisState, *columns: str) -> Index:
    """An index of the few analyses in ``state``; a query uses it through ``now_in``."""
    where = text(f"state = '{state.value}'")
    return Index(f"ix_analysis_{state.value}", *columns, sqlite_where=where, postgresql_where=where)


def now_in(state: AnalysisState) -> ColumnElement[bool]:
    """The state as a literal: with a bound parameter the database would not use the partial index."""
    return Analysis.state == literal(state, Analysis.state.type, literal_execute=True)


class Analysis(Base):
    """This row decides, not the queue: whoever holds the lease may finish it, once.

    ``shadow``: a re-run whose result is not in force. ``modality``: None in results of earlier models, which did not
    tell.
    """

    __tablename__ = "analysis"
    __table_args__ = (
        CheckConstraint("bcc_probability BETWEEN 0 AND 1", name="probability_range"),
        Index(
            "uq_analysis_current",
            "image_id",
            unique=True,
            sqlite_where=text("state <> 'superseded' AND NOT shadow"),
            postgresql_where=text("state <> 'superseded' AND NOT shadow"),
        ),
        Index("ix_analysis_state_lease", "state", "lease_until"),
        _in_state(AnalysisState.QUEUED, "queued_at", "id"),
        _in_state(AnalysisState.FAILED, "failure", "finished_at"),
        Index("ix_analysis_rerun", "rerun_id", "state"),
        Index("ix_analysis_rerun_image", "rerun_id", "image_id"),
        Index("ix_analysis_version", "model_version_id", "finished_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), index=True)
    state: Mapped[AnalysisState] = mapped_column(text_enum(AnalysisState), default=AnalysisState.QUEUED)
    failure: Mapped[FailureReason | None] = mapped_column(text_enum(FailureReason))
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    rerun_id: Mapped[int | None] = mapped_column(ForeignKey("rerun.id"))
    shadow: Mapped[bool] = mapped_column(default=False, server_default=false())

    model_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_version.id"))
    preprocessing: Mapped[str | None] = mapped_column(String(40))
    bcc_probability: Mapped[float | None]
    bcc_as_shipped: Mapped[bool | None] = mapped_column("bcc")
    needs_person: Mapped[bool | None]
    modality: Mapped[Modality | None] = mapped_column(text_enum(Modality))
    reasons: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    lesion: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    region: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)

    image: Mapped[Image] = relationship(back_populates="analyses")
    model_version: Mapped[ModelVersion | None] = relationship()
    findings: Mapped[list["Finding"]] = relationship(back_populates="analysis", order_by="Finding.id")

    @property
    def verdict(self) -> Verdict:
        """The clinical rule applied to the assessed patterns."""
        present = {finding.target: finding.present for finding in self.findings}
        return clinical_rule({pattern: present.get(pattern.value) for pattern in Pattern})

    @property
    def not_dermoscopic(self) -> str:
        """The model's sentence if it takes the image for something else than dermoscopy; empty otherwise."""
        return next((reason["message"] for reason in self.reasons if reason["code"] in NOT_DERMOSCOPIC), "")

    @property
    def is_current(self) -> bool:
        """Whether this is the result in force for its image."""
        return self.state is not AnalysisState.SUPERSEDED and not self.shadow


class Finding(Base):
    """One target of an analysis: a cancer (BCC, MEL, SCC), or a pattern.

    ``strength`` is the heatmap's maximum as a share of full colour, ``peak_x`` and ``peak_y`` its position in the
    analysed square (0 to 1 from the upper left), ``extent`` the share of the square that reaches half the maximum.
    ``placed``: whether the map says where. Results of earlier models have neither ``call`` nor ``placed``; their
    ``strength`` is the raw maximum, and each map is on a scale of its own.
    """

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("analysis_id", "target"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    analysis_id: Mapped[int] = mapped_column(ForeignKey("analysis.id"))
    target: Mapped[str] = mapped_column(String(8))
    probability: Mapped[float]
    present: Mapped[bool]
    call: Mapped[Call | None] = mapped_column(text_enum(Call))
    placed: Mapped[bool | None]
    strength: Mapped[float | None]
    peak_x: Mapped[float | None]
    peak_y: Mapped[float | None]
    extent: Mapped[float | None]
    heatmap_key: Mapped[str | None] = mapped_column(String(40), unique=True, info=OBJECT)

    analysis: Mapped[Analysis] = relationship(back_populates="findings")

"""`Trainer` for the joint mix of `ml.joint`: goes on from a finished run and adds the seven pattern heads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from ml.activations import Source, activations_of
from ml.datasets import Ham10000, Record, Split, split_by_lesion
from ml.examples import Examples
from ml.joint import PATTERNS, PN, SIX, Joint, drawn, real, structures
from ml.losses import any_of_loss, known_binary_focal_loss, known_focal_loss
from ml.network import Logits, MultiTaskNet
from ml.patterns import Lesion
from ml.preprocessing import PreprocessingSpec
from ml.release import load_run
from ml.structures import Isic2018Task2
from ml.synthetic import Drawn, grafts, join, phantoms
from ml.training import BEST, Config, Stage, Trainer, binary_scores, worth

JOINT_STAGES: Final[tuple[Stage, ...]] = (Stage("joint", cut=16, epochs=4, rate=7e-4, views=1),)
# Shares of the pictures drawn in an epoch: HAM10000, ISIC 2018 Task 2, phantoms with grafts.
SHARES: Final = (0.5, 0.15, 0.35)
TUNED: Final = "tuned.pt"
TUNED_SHARES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class JointConfig(Config):
    """`weights` names the run whose best network this one starts from; the counts are training pictures."""

    stages: tuple[Stage, ...] = JOINT_STAGES
    phantoms: int = 1600
    grafts: int = 1200
    naevi: int = 1000
    patterns: bool = True


class JointTrainer(Trainer):
    """As `Trainer`; `base` is the folder of the finished run, `cache` keeps the drawn pictures beside the new one."""

    config: JointConfig
    train: Joint  # type: ignore[assignment]
    validation: Joint  # type: ignore[assignment]

    def __init__(
        self, config: JointConfig, base: Path, data: Ham10000, marked: Isic2018Task2, folder: Path, device: str = "cpu"
    ) -> None:
        self._base, self._marked = base, marked
        super().__init__(config, data, folder, device)

    def _start(self) -> tuple[MultiTaskNet, PreprocessingSpec]:
        network, spec, _ = load_run(self._base)
        started = MultiTaskNet(PATTERNS, self.config.dropout)
        started.load_state_dict({**started.state_dict(), **network.state_dict()})
        return started, spec

    def _load(self, data: Ham10000, splits: dict[Split, list[Record]], spec: PreprocessingSpec) -> None:
        marked = split_by_lesion(self._marked.records, self.config.seed)
        fewer = _with_fewer_naevi(splits[Split.TRAIN], self.config.naevi)
        parts: dict[Split, Joint] = {}
        for split, records in ((Split.VALIDATION, splits[Split.VALIDATION]), (Split.TRAIN, fewer)):
            share = 1 if split is Split.TRAIN else 5
            made = self._drawn(split, data, splits[split], spec, share)
            kinds = (
                real(Examples.load(data, records, spec), self.config.balance),
                structures(self._marked, marked[split], spec),
                drawn(made, spec),
            )
            parts[split] = Joint.of(kinds, SHARES)
        self.train, self.validation = parts[Split.TRAIN], parts[Split.VALIDATION]

    def _drawn(self, split: Split, data: Ham10000, records: list[Record], spec: PreprocessingSpec, share: int) -> Drawn:
        """Drawing takes minutes: once a run."""
        file = self.folder / f"drawn-{split.value}.npz"
        if not file.exists():
            made = join(
                [
                    phantoms(split, self.config.phantoms // share, spec),
                    grafts(split, data, records, self.config.grafts // share, spec),
                ]
            )
            np.savez(file, pixels=made.pixels, patterns=made.patterns, bcc=made.bcc)
        with np.load(file) as arrays:
            return Drawn(arrays["pixels"], arrays["patterns"], arrays["bcc"])

    def _loss(self, logits: Logits, indices: Tensor) -> Tensor:
        data, gamma = self.train, self.config.gamma
        patterns = logits.patterns.float()
        return (
            known_binary_focal_loss(logits.bcc.float(), data.bcc[indices].to(self.device), gamma)
            + known_focal_loss(logits.lesion.float(), data.lesion[indices].to(self.device), gamma)
            + len(PATTERNS) * known_binary_focal_loss(patterns, data.patterns[indices].to(self.device), gamma)
            + any_of_loss(patterns[data.rule[indices]][:, SIX], gamma)
        )

    def run(self) -> None:
        """Train, then step back towards the base as far as its BCC figures ask for."""
        super().run()
        if not (self.folder / TUNED).exists():
            (self.folder / BEST).rename(self.folder / TUNED)
            self._step_back()

    def _step_back(self) -> None:
        """Weights between the base's and the tuned ones (Wortsman et al., arXiv 2109.01903), chosen on validation.

        The best of those that are not worse on BCC than the base; the tuned ones' pattern heads throughout.
        """
        cut = self.config.stages[-1].cut
        tuned = torch.load(self.folder / TUNED, weights_only=True, map_location=self.device)
        base = {**tuned, **load_run(self._base)[0].state_dict()}
        known = activations_of(self.validation, self.network, cut)
        rows: list[dict[str, Any]] = []
        for share in TUNED_SHARES:
            self.network.load_state_dict(between(base, tuned, share))
            rows.append({"tuned_share": share, **self._scores(known, cut)})
        wanted = min(_on_bcc(rows[0]), max(map(_on_bcc, rows)))
        chosen = max((row for row in rows if _on_bcc(row) >= wanted), key=worth)
        torch.save(between(base, tuned, chosen["tuned_share"]), self.folder / BEST)
        self._write("mixture.json", {"chosen": chosen["tuned_share"], "shares": rows})

    def _set_training(self, cut: int) -> None:
        """Batch norms keep the base's statistics: those of a mix of photographs and drawings fit neither."""
        self.network.train()
        self.network.features.eval()

    def _recalibrate(self, cut: int, source: Source) -> None:
        """Nothing to do where batch norms keep their statistics."""

    def _weights(self) -> Tensor:
        return self.train.weight

    def _scores(self, activations: Tensor, cut: int) -> dict[str, float]:
        return scores(self.network, activations, self.validation, cut)


@torch.no_grad()
def scores(network: MultiTaskNet, activations: Tensor, data: Joint, cut: int) -> dict[str, float]:
    """Each head where its labels are: BCC and lesion type on HAM10000, PN on expert labels, all seven on drawn ones."""
    network.eval()
    device = next(network.parameters()).device
    outputs = [network.tail(part.to(device).float(), cut) for part in activations.split(128)]
    bcc = torch.cat([logits.bcc[:, 0] for logits in outputs]).cpu()
    patterns = torch.cat([logits.patterns for logits in outputs]).cpu()
    lesion = torch.cat([logits.lesion for logits in outputs]).argmax(dim=1).cpu()
    is_real = data.lesion >= 0
    marked = ~is_real & data.patterns[:, SIX].isnan().all(dim=1)
    painted = ~is_real & ~marked
    six = patterns[is_real][:, SIX].amax(dim=1)
    return {
        **binary_scores(data.bcc[is_real], bcc[is_real]),
        "lesion_accuracy": float((lesion == data.lesion)[is_real].float().mean()),
        "pn_auc": float(roc_auc_score(data.patterns[marked, PN], patterns[marked, PN])),
        "drawn_auc": float(np.nanmean([_known_auc(data.patterns[painted, k], patterns[painted, k]) for k in range(7)])),
        "six_auc": float(roc_auc_score(data.bcc[is_real], six)),
    }


def between(base: dict[str, Tensor], tuned: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Every number (1 - share) of the base's and share of the tuned one's; counters are the tuned one's."""
    return {
        name: torch.lerp(base[name].to(value), value, share) if value.is_floating_point() else value
        for name, value in tuned.items()
    }


def _on_bcc(row: dict[str, Any]) -> float:
    return float(row["auc"] + row["average_precision"])


def _known_auc(labels: Tensor, logits: Tensor) -> float:
    known = ~labels.isnan()
    if len(labels[known].unique()) < 2:
        return float("nan")
    return float(roc_auc_score(labels[known], logits[known]))


def _with_fewer_naevi(records: list[Record], naevi: int) -> list[Record]:
    """Everything else and the first `naevi` naevi: most of them have no more to teach a trained network."""
    kept = {record.image_id for record in [r for r in records if r.lesion is Lesion.NV][:naevi]}
    return [record for record in records if record.lesion is not Lesion.NV or record.image_id in kept]

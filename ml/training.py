"""Three-step training in the spirit of Matas et al. (arXiv 2407.00104): heads, then the last blocks, then the rest.

Each step freezes the first `cut` blocks. What they make of a handful of augmented views is computed once and cached,
which makes the first steps quick on a processor; on a GPU every step sees fresh views and runs end to end.
Optimiser: schedule-free AdamW (Defazio et al., arXiv 2405.15682). It averages weights, and averaged weights need their
own batch-norm statistics before anything is evaluated.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import torch
from schedulefree import AdamWScheduleFree
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor
from tqdm import tqdm

from ml.activations import CachedViews, FreshViews, Source, activations_of
from ml.datasets import Ham10000, Record, Split, split_by_lesion
from ml.examples import Examples
from ml.losses import binary_focal_loss, focal_loss
from ml.network import Logits, MultiTaskNet, load_backbone
from ml.preprocessing import PreprocessingSpec

CHECKPOINT: Final = "checkpoint.pt"
BEST: Final = "best.pt"
_RECALIBRATION_BATCHES: Final = 24


@dataclass(frozen=True)
class Stage:
    """One step: blocks below `cut` frozen; `views` cached views of the training images, 0 for fresh ones each epoch."""

    name: str
    cut: int
    epochs: int
    rate: float
    views: int


STAGES: Final[tuple[Stage, ...]] = (
    Stage("heads", cut=19, epochs=8, rate=3e-3, views=2),
    Stage("last blocks", cut=7, epochs=6, rate=1e-3, views=8),
    # Below lie edges and colours, which ImageNet taught well, at half the cost of a whole step.
    Stage("nearly all", cut=4, epochs=6, rate=7e-4, views=5),
)


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's outcome; written to config.json in its folder."""

    weights: str
    seed: int = 1
    size: int = 224
    batch: int = 64
    dropout: float = 0.3
    gamma: float = 2.0
    weight_decay: float = 1e-2
    # Sampling weight of an image is (images of its lesion type)^-balance: 0 is the natural mix, 1 all types alike.
    balance: float = 0.5
    # bfloat16 halves the time where the processor has it (and on GPUs).
    half: bool = False
    stages: tuple[Stage, ...] = STAGES

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "stages": tuple(Stage(**stage) for stage in data["stages"])})


class Trainer:
    """One run in one folder: config.json, split.json, history.json, checkpoint.pt (latest) and best.pt."""

    def __init__(self, config: Config, data: Ham10000, folder: Path, device: str = "cpu") -> None:
        torch.manual_seed(config.seed)
        self.config, self.folder, self.device = config, folder, torch.device(device)
        self.network, spec = self._start()
        self.network.to(self.device).to(memory_format=torch.channels_last)
        self.history: list[dict[str, Any]] = []
        folder.mkdir(parents=True, exist_ok=True)
        splits = split_by_lesion(data.records, config.seed)
        self._write("config.json", {**asdict(config), "preprocessing": spec.to_json()})
        self._write("split.json", {split: [record.image_id for record in part] for split, part in splits.items()})
        self._load(data, splits, spec)

    def _start(self) -> tuple[MultiTaskNet, PreprocessingSpec]:
        network = MultiTaskNet(dropout=self.config.dropout)
        return network, replace(load_backbone(network, self.config.weights), size=self.config.size)

    def _load(self, data: Ham10000, splits: dict[Split, list[Record]], spec: PreprocessingSpec) -> None:
        self.train = Examples.load(data, splits[Split.TRAIN], spec)
        self.validation = Examples.load(data, splits[Split.VALIDATION], spec)

    def run(self) -> None:
        """Train every stage, from the checkpoint in the folder where there is one."""
        number, epoch, state = self._resume()
        for index in range(number, len(self.config.stages)):
            self._run_stage(index, epoch, state)
            epoch, state = 0, None

    def _run_stage(self, index: int, first_epoch: int, state: dict[str, Any] | None) -> None:
        stage = self.config.stages[index]
        optimizer = AdamWScheduleFree(
            freeze_below(self.network, stage.cut),
            lr=stage.rate,
            weight_decay=self.config.weight_decay,
            warmup_steps=max(1, len(self.train) // self.config.batch),
        )
        if state:
            optimizer.load_state_dict(state)
        if first_epoch < stage.epochs:
            views = 0 if self.device.type == "cuda" else stage.views
            make = CachedViews if views else FreshViews
            source = make(self.train, self.network, stage.cut, views, self.config.seed, self.autocast)
            known = activations_of(self.validation, self.network, stage.cut)
        for epoch in range(first_epoch, stage.epochs):
            loss = self._train_epoch(index, epoch, optimizer, source)
            optimizer.eval()
            self._recalibrate(stage.cut, source)
            scores = self._scores(known, stage.cut)
            self._keep({"stage": stage.name, "epoch": epoch + 1, "loss": loss, **scores})
            optimizer.train()
            self._save(index, epoch + 1, optimizer)
        # The next stage starts from the averaged weights.
        optimizer.eval()

    def _train_epoch(self, index: int, epoch: int, optimizer: AdamWScheduleFree, source: Source) -> float:
        stage, total = self.config.stages[index], 0.0
        seed = (self.config.seed * 1009 + index) * 1009 + epoch
        torch.manual_seed(seed)  # dropout; a resumed epoch repeats exactly
        self._set_training(stage.cut)
        optimizer.train()
        batches = list(self._batches(torch.Generator().manual_seed(seed)))
        source.seed(seed)
        for indices in tqdm(batches, desc=f"{stage.name} {epoch + 1}/{stage.epochs}", leave=False, mininterval=2):
            with self.autocast():
                logits = self.network.tail(source(indices), stage.cut)
            loss = self._loss(logits, indices)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(batches)
        return total

    def _loss(self, logits: Logits, indices: Tensor) -> Tensor:
        examples = self.train
        bcc, lesion = examples.bcc[indices].to(self.device), examples.lesion[indices].to(self.device)
        return binary_focal_loss(logits.bcc.float()[:, 0], bcc, self.config.gamma) + focal_loss(
            logits.lesion.float(), lesion, self.config.gamma
        )

    def _batches(self, generator: torch.Generator) -> Iterator[Tensor]:
        """An epoch of index batches, rarer lesion types drawn more often."""
        drawn = torch.multinomial(self._weights(), len(self.train), replacement=True, generator=generator)
        return iter(drawn.split(self.config.batch))

    def _weights(self) -> Tensor:
        counts = torch.bincount(self.train.lesion).clamp(min=1).float()
        return counts[self.train.lesion] ** -self.config.balance

    def _set_training(self, cut: int) -> None:
        set_training(self.network, cut)

    @torch.no_grad()
    def _recalibrate(self, cut: int, source: Source) -> None:
        """Batch-norm statistics of the weights as they are now, over a few batches."""
        norms = [m for m in self.network.features[cut:].modules() if isinstance(m, torch.nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        if not norms:
            return
        self._set_training(cut)
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average over the batches
        for indices in list(self._batches(torch.Generator().manual_seed(0)))[:_RECALIBRATION_BATCHES]:
            with self.autocast():
                self.network.tail(source(indices), cut)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    def _scores(self, activations: Tensor, cut: int) -> dict[str, float]:
        return evaluate(self.network, activations, self.validation, cut)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.half)

    def _keep(self, row: dict[str, Any]) -> None:
        if worth(row) >= max(map(worth, self.history), default=0):
            torch.save(self.network.state_dict(), self.folder / BEST)
        self.history.append(row)
        self._write("history.json", self.history)
        tqdm.write(json.dumps(row))

    def _save(self, stage: int, epoch: int, optimizer: AdamWScheduleFree) -> None:
        state = {"stage": stage, "epoch": epoch, "network": self.network.state_dict(), "history": self.history}
        temporary = self.folder / f"{CHECKPOINT}.new"
        torch.save({**state, "optimizer": optimizer.state_dict()}, temporary)
        temporary.replace(self.folder / CHECKPOINT)  # an interruption leaves the old or the new one, never half

    def _resume(self) -> tuple[int, int, dict[str, Any] | None]:
        file = self.folder / CHECKPOINT
        if not file.exists():
            return 0, 0, None
        state = torch.load(file, weights_only=True, map_location=self.device)
        self.network.load_state_dict(state["network"])
        self.history = state["history"]
        return state["stage"], state["epoch"], state["optimizer"]

    def _write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def worth(row: dict[str, Any]) -> float:
    """What the best epoch has most of."""
    return float(sum(row.get(name, 0.0) for name in ("auc", "average_precision", "pn_auc", "drawn_auc")))


def freeze_below(network: MultiTaskNet, cut: int) -> list[torch.nn.Parameter]:
    """Let only the blocks from `cut` on, and the heads, learn; returns their parameters."""
    network.requires_grad_(True)
    network.features[:cut].requires_grad_(False)
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def set_training(network: MultiTaskNet, cut: int) -> None:
    """Training mode, with frozen blocks left in evaluation mode: their batch norms keep their statistics."""
    network.train()
    network.features[:cut].eval()


@torch.no_grad()
def evaluate(network: MultiTaskNet, activations: Tensor, examples: Examples, cut: int) -> dict[str, float]:
    """ROC-AUC and average precision of BCC, and lesion-type accuracy, from cached activations of plain images."""
    network.eval()
    device = next(network.parameters()).device
    outputs = [network.tail(part.to(device).float(), cut) for part in activations.split(128)]
    scores = torch.cat([logits.bcc[:, 0] for logits in outputs]).cpu()
    lesion = torch.cat([logits.lesion for logits in outputs]).argmax(dim=1).cpu()
    accuracy = float((lesion == examples.lesion).float().mean())
    return {**binary_scores(examples.bcc, scores), "lesion_accuracy": accuracy}


def binary_scores(labels: Tensor, scores: Tensor) -> dict[str, float]:
    return {
        "auc": float(roc_auc_score(labels, scores)),
        "average_precision": float(average_precision_score(labels, scores)),
    }

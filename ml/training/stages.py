"""Three-step training after Matas et al. (arXiv 2407.00104): the heads, then the last blocks, then the rest.

The steps of each backbone are in `ml.training.config`. Each step freezes the first `cut` blocks; their output for a few
augmented views can be cached, which makes the first step fast on a CPU. Optimiser: schedule-free AdamW (Defazio et al.,
arXiv 2405.15682). It averages weights, and averaged weights need batch-norm statistics of their own before they are
evaluated.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import torch
from schedulefree import AdamWScheduleFree
from torch import Tensor
from tqdm import tqdm

from ml.data.examples import PATTERNS, SIX
from ml.data.mixture import Portion, Sources, load, mixed
from ml.data.splits import Split
from ml.training.activations import CachedViews, FreshViews, Source, Views
from ml.training.config import Config
from ml.training.losses import any_of_loss, binary_focal_loss, focal_loss, outside_loss
from ml.training.network import MultiTaskNet, load_backbone, pool
from ml.training.progress import Progress, curves

CHECKPOINT: Final = "checkpoint.pt"
BEST: Final = "best.pt"
_RECALIBRATION_BATCHES: Final = 16


class Trainer:
    """One run in one folder: config.json, split.json, history.json, curves.svg, checkpoint.pt (latest) and best.pt."""

    def __init__(self, config: Config, sources: Sources, folder: Path, device: str = "cpu") -> None:
        config = replace(config, patterns=sources.structures is not None, clinics=sources.clinics is not None)
        torch.manual_seed(config.seed)
        self.config, self.folder, self.device = config, folder, torch.device(device)
        self.network = MultiTaskNet(PATTERNS if config.patterns else (), config.dropout, config.backbone)
        spec = load_backbone(self.network, config.weights)
        self.spec = replace(spec, size=config.size or spec.size)
        self.network.to(self.device).to(memory_format=torch.channels_last)
        self.history: list[dict[str, Any]] = []
        folder.mkdir(parents=True, exist_ok=True)
        portions = {split: Portion(split, config.seed, config.fold) for split in Split}
        known = {split: [r.image_id for r in portion.of(sources.ham.records)] for split, portion in portions.items()}
        self._write("config.json", {**asdict(config), "preprocessing": self.spec.to_json()})
        self._write("split.json", known)
        # Slightly larger than the network's input, so that zoomed-in views keep their detail.
        stored = replace(self.spec, size=self.spec.size * 8 // 7)
        self.train = mixed(load(sources, portions[Split.TRAIN], stored, folder, config.drawings), config.balance)
        held_out = load(sources, portions[Split.VALIDATION], self.spec, folder, config.drawings // 5)
        self.progress = Progress(held_out, self.spec)

    def run(self) -> None:
        """Train every stage, resuming from the checkpoint in the folder if there is one."""
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
            warmup_steps=max(1, self.config.draws // self.config.batch // 2),
        )
        if state:
            optimizer.load_state_dict(state)
        if first_epoch < stage.epochs:
            fresh = FreshViews(self.train, self.network, stage.cut, self.spec, self.autocast)
            source = CachedViews(fresh, stage.views) if stage.views and self.device.type == "cpu" else fresh
            self.progress.freeze(self.network, stage.cut)
        for epoch in range(first_epoch, stage.epochs):
            loss = self._train_epoch(index, epoch, optimizer, source)
            optimizer.eval()
            self._recalibrate(stage.cut, source)
            with self.autocast():
                scores = self.progress.scores(self.network)
            self._keep({"stage": stage.name, "epoch": epoch + 1, "loss": loss, **scores})
            optimizer.train()
            self._save(index, epoch + 1, optimizer)
        # The next stage starts from the averaged weights.
        optimizer.eval()

    def _train_epoch(self, index: int, epoch: int, optimizer: AdamWScheduleFree, source: Source) -> float:
        stage, total = self.config.stages[index], 0.0
        seed = (self.config.seed * 1009 + index) * 1009 + epoch
        torch.manual_seed(seed)  # for dropout: a resumed epoch repeats exactly
        set_training(self.network, stage.cut)
        optimizer.train()
        batches = list(self._batches(torch.Generator().manual_seed(seed)))
        source.seed(seed)
        for indices in tqdm(batches, desc=f"{stage.name} {epoch + 1}/{stage.epochs}", leave=False, mininterval=2):
            loss = self._loss(source(indices), indices, stage.cut)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(batches)
        return total

    def _loss(self, views: Views, indices: Tensor, cut: int) -> Tensor:
        config, data, network = self.config, self.train, self.network
        bcc, lesion, patterns = (t[indices].to(self.device) for t in (data.bcc, data.lesion, data.patterns))
        with self.autocast():
            pooled = cut == network.depth
            activations = views.inputs if pooled else network.features[cut:](views.inputs)
            logits = network.classify(activations if pooled else pool(activations))
        loss = binary_focal_loss(logits.bcc.float(), bcc, config.gamma)
        loss = loss + focal_loss(logits.lesion.float(), lesion, config.gamma)
        if network.pattern_head is None:
            return loss
        found = logits.patterns.float()
        loss = loss + config.pattern_weight * binary_focal_loss(found, patterns, config.gamma)
        loss = loss + config.rule_weight * any_of_loss(found[data.rule[indices].to(self.device)][:, SIX], config.gamma)
        if pooled:
            return loss
        return loss + config.outside_weight * outside_loss(
            activations.float(), network.pattern_head.weight, views.masks
        )

    def _batches(self, generator: torch.Generator) -> Iterator[Tensor]:
        """The index batches of one epoch, sampled by weight."""
        drawn = torch.multinomial(self.train.weight, self.config.draws, replacement=True, generator=generator)
        return iter(drawn.split(self.config.batch))

    @torch.no_grad()
    def _recalibrate(self, cut: int, source: Source) -> None:
        """Set the batch-norm statistics of the current weights from a few batches."""
        norms = [m for m in self.network.features[cut:].modules() if isinstance(m, torch.nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        if not norms:
            return
        set_training(self.network, cut)
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average over the batches
        for indices in list(self._batches(torch.Generator().manual_seed(0)))[:_RECALIBRATION_BATCHES]:
            with self.autocast():
                self.network.features[cut:](source(indices).inputs)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.half)

    def _keep(self, row: dict[str, Any]) -> None:
        if worth(row) >= max(map(worth, self.history), default=0):
            torch.save(self.network.state_dict(), self.folder / BEST)
        self.history.append(row)
        self._write("history.json", self.history)
        (self.folder / "curves.svg").write_text(curves(self.history), encoding="utf-8")
        tqdm.write(json.dumps(row), file=sys.stderr)

    def _save(self, stage: int, epoch: int, optimizer: AdamWScheduleFree) -> None:
        state = {"stage": stage, "epoch": epoch, "network": self.network.state_dict(), "history": self.history}
        temporary = self.folder / f"{CHECKPOINT}.new"
        torch.save({**state, "optimizer": optimizer.state_dict()}, temporary)
        temporary.replace(self.folder / CHECKPOINT)  # atomic: an interruption leaves the old one or the new one

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
    """The score by which the best epoch is chosen."""
    return float(sum(row.get(name, 0.0) for name in ("auc", "average_precision", "pn_auc", "drawn_auc", "six_auc")))


def freeze_below(network: MultiTaskNet, cut: int) -> list[torch.nn.Parameter]:
    """Make only the heads and the blocks from `cut` on trainable; return their parameters."""
    network.requires_grad_(True)
    network.features[:cut].requires_grad_(False)
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def set_training(network: MultiTaskNet, cut: int) -> None:
    """Training mode, except for the frozen blocks, whose batch norms must keep their statistics."""
    network.train()
    network.features[:cut].eval()

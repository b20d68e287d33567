"""Train one fold: the whole of it in one file.

Optimiser: AdamW with one cycle of the learning rate (Smith, Topin, arXiv 1708.07120). Matas et al. (arXiv 2407.00104)
use schedule-free AdamW, whose averaged weights need batch-norm statistics of their own after every epoch; with a known
number of epochs one cycle needs none of that. The weights are averaged exponentially instead, statistics included.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from ml.imaging.preprocessing import SIGNED_UNIT
from ml.training.recipe.config import Recipe, claim
from ml.training.recipe.draws import Batch, Draws
from ml.training.recipe.network import LesionNet

CHECKPOINT: Final = "checkpoint.pt"
WEIGHTS: Final = "weights.safetensors"
HISTORY: Final = "history.json"


@dataclass
class State:
    """What a run that was interrupted goes on from."""

    network: LesionNet
    average: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    history: list[dict[str, Any]]

    @property
    def steps(self) -> int:
        return self.schedule.last_epoch


def train(recipe: Recipe, draws: Draws, folder: Path, until: int | None = None) -> LesionNet | None:
    """Train to the end, or to the end of epoch `until`; the averaged network once it is finished.

    Goes on from the checkpoint in the folder. Raises `DataError` where the folder holds another run.
    """
    claim(folder, recipe)
    state = begin(recipe)
    resume(state, folder)
    for epoch in range(len(state.history), min(recipe.epochs, until or recipe.epochs)):
        began = time.monotonic()
        loss = train_one_epoch(state, recipe, draws, epoch)
        row = {"epoch": epoch + 1, "loss": round(loss, 4), "seconds": round(time.monotonic() - began)}
        state.history.append(row)
        save(state, folder)
        print(json.dumps({"fold": recipe.fold, **row}), file=sys.stderr, flush=True)
    if len(state.history) < recipe.epochs:
        return None
    save_file({name: value.contiguous() for name, value in state.average.items()}, folder / WEIGHTS)
    return load(recipe, folder)


def begin(recipe: Recipe) -> State:
    torch.manual_seed(recipe.seed)
    network = LesionNet(recipe.backbone, recipe.cut, recipe.dropout)
    if recipe.initial:
        network.load_state_dict(load_file(recipe.initial))
    elif recipe.weights != "none":
        given = load_file(recipe.weights)
        network.features.load_state_dict({name.removeprefix("features."): value for name, value in given.items()})
    network.to(memory_format=torch.channels_last)
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, recipe.rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, epochs=recipe.epochs, steps_per_epoch=recipe.steps, pct_start=recipe.warmup
    )
    return State(network, _copy(network), optimizer, schedule, [])


def train_one_epoch(state: State, recipe: Recipe, draws: Draws, epoch: int) -> float:
    """The mean loss. A repeated epoch repeats exactly."""
    seed = recipe.seed * 1009 + epoch
    torch.manual_seed(seed)  # dropout
    state.network.train()
    total, batches = 0.0, 0
    for batch in draws.epoch(seed, recipe.size_in(epoch)):
        loss = loss_of(state.network, batch, recipe.smoothing, recipe.teacher_share)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.schedule.step()
        update(state.average, state.network, min(recipe.average, (1 + state.steps) / (10 + state.steps)))
        total, batches = total + loss.item(), batches + 1
    return total / batches


def loss_of(network: LesionNet, batch: Batch, smoothing: float, teacher_share: float = 0.0) -> Tensor:
    """Cross-entropy over nine types plus the binary cross-entropy of BCC.

    The targets are the smoothed diagnosis, mixed with `teacher_share` of what a teacher says where there is one.
    """
    scores = network(normalise(batch.images))
    kinds = scores.lesion.shape[1]
    lesion = F.one_hot(batch.lesion, kinds) * (1 - smoothing) + smoothing / kinds
    share = teacher_share * (~batch.taught[:, :1].isnan()).float()
    lessons = batch.taught.nan_to_num()
    bcc = torch.lerp(batch.bcc, lessons[:, 0], share[:, 0])
    lesion = torch.lerp(lesion, lessons[:, 1:], share)
    return F.cross_entropy(scores.lesion, lesion) + F.binary_cross_entropy_with_logits(scores.bcc, bcc)


def normalise(images: Tensor) -> Tensor:
    """0–255 → the input that the ImageNet weights here expect, in [-1, 1]."""
    mean, std = SIGNED_UNIT.mean[0], SIGNED_UNIT.std[0]
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def update(average: Mapping[str, Tensor], network: LesionNet, keep: float) -> None:
    """average ← keep · average + (1 - keep) · network, batch-norm statistics included."""
    now = network.state_dict()
    moving = [name for name, value in average.items() if value.is_floating_point()]
    torch._foreach_lerp_([average[name] for name in moving], [now[name] for name in moving], 1 - keep)


def load(recipe: Recipe, folder: Path) -> LesionNet:
    """The averaged network of a finished run, ready to evaluate."""
    network = LesionNet(recipe.backbone, recipe.cut, recipe.dropout)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.to(memory_format=torch.channels_last).eval()


def save(state: State, folder: Path) -> None:
    parts = {
        "network": state.network.state_dict(),
        "average": state.average,
        "optimizer": state.optimizer.state_dict(),
        "schedule": state.schedule.state_dict(),
        "history": state.history,
    }
    temporary = folder / f"{CHECKPOINT}.new"
    torch.save(parts, temporary)
    temporary.replace(folder / CHECKPOINT)  # an interruption leaves the old or the new one, never half
    (folder / HISTORY).write_text(json.dumps(state.history, indent=1) + "\n", encoding="utf-8")


def resume(state: State, folder: Path) -> None:
    file = folder / CHECKPOINT
    if file.exists():
        parts = torch.load(file, weights_only=True)
        state.network.load_state_dict(parts["network"])
        state.average.update(parts["average"])
        state.optimizer.load_state_dict(parts["optimizer"])
        state.schedule.load_state_dict(parts["schedule"])
        state.history[:] = parts["history"]


def _copy(network: LesionNet) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}

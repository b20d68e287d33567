"""Train one fold: the whole of it in one file.

Optimiser: AdamW with one cycle of the learning rate (Smith, Topin, arXiv 1708.07120). Matas et al. (arXiv 2407.00104)
use schedule-free AdamW, whose averaged weights need batch-norm statistics of their own after every epoch; with a known
number of epochs one cycle needs none of that. The weights are averaged exponentially instead, statistics included.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor

from ml.training.recipe.config import Recipe, claim
from ml.training.recipe.draws import Draws
from ml.training.recipe.loss import loss_of
from ml.training.recipe.network import LesionNet, Scores
from ml.training.recipe.teachers import Teachers
from ml.training.recipe.weights import WEIGHTS, load, normalise

CHECKPOINT: Final = "checkpoint.pt"
HISTORY: Final = "history.json"

Forward = Callable[[Tensor], Scores]


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


def train(
    recipe: Recipe,
    draws: Draws,
    folder: Path,
    until: int | None = None,
    network: LesionNet | None = None,
    forward: Forward | None = None,
) -> LesionNet | None:
    """Train to the end, or to the end of epoch `until`; the averaged network once it is finished.

    On the device of `draws`, in bfloat16 where that is a GPU. `network` is trained instead of a new one, and called
    through `forward`, a compiled form of it. Goes on from the checkpoint in the folder. Raises `DataError` where the
    folder holds another run.
    """
    claim(folder, recipe)
    state = begin(recipe, draws.device, network)
    resume(state, folder)
    teachers = Teachers(recipe.teachers, draws.device) if recipe.teachers else None
    for epoch in range(len(state.history), min(recipe.epochs, until or recipe.epochs)):
        began = time.monotonic()
        loss = train_one_epoch(state, recipe, draws, epoch, teachers, forward)
        row = {"epoch": epoch + 1, "loss": round(loss, 4), "seconds": round(time.monotonic() - began, 1)}
        state.history.append(row)
        save(state, folder)
        print(json.dumps({"run": folder.name, **row}), file=sys.stderr, flush=True)
    if len(state.history) < recipe.epochs:
        return None
    save_file({name: value.contiguous().cpu() for name, value in state.average.items()}, folder / WEIGHTS)
    return load(recipe, folder)


def begin(recipe: Recipe, device: torch.device, network: LesionNet | None = None) -> State:
    torch.manual_seed(recipe.seed)
    fresh = LesionNet(recipe.backbone, recipe.cut, recipe.dropout)
    if recipe.initial:
        fresh.load_state_dict(load_file(recipe.initial))
    elif recipe.weights != "none":
        given = load_file(recipe.weights)
        fresh.features.load_state_dict({name.removeprefix("features."): value for name, value in given.items()})
    if network is None:
        network = fresh.to(device).to(memory_format=torch.channels_last)
    else:
        network.load_state_dict(fresh.state_dict())
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, recipe.rate, weight_decay=recipe.weight_decay, fused=device.type == "cuda")
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, epochs=recipe.epochs, steps_per_epoch=recipe.steps, pct_start=recipe.warmup
    )
    return State(network, _copy(network), optimizer, schedule, [])


def train_one_epoch(
    state: State,
    recipe: Recipe,
    draws: Draws,
    epoch: int,
    teachers: Teachers | None = None,
    forward: Forward | None = None,
) -> float:
    """The mean loss. A repeated epoch repeats exactly on a CPU."""
    seed = recipe.seed * 1009 + epoch
    torch.manual_seed(seed)  # dropout
    generator = Generator().manual_seed(seed)
    state.network.train()
    if recipe.three_steps:
        choose_step(state.network, (epoch + 0.5) / recipe.epochs)
    total, batches = torch.zeros((), device=draws.device), 0
    now = state.network.state_dict()
    moving = [name for name, value in state.average.items() if value.is_floating_point()]
    averages, values = [state.average[name] for name in moving], [now[name] for name in moving]
    for batch in draws.epoch(seed, recipe.size_in(epoch)):
        images = normalise(batch.images)
        with precision(draws.device):
            lesson = teachers.lesson(images, generator) if teachers else None
            loss = loss_of(forward or state.network, images, batch, lesson, recipe, generator)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.schedule.step()
        keep = min(recipe.average, (1 + state.steps) / (10 + state.steps))
        update(averages, values, keep)
        total, batches = total + loss.detach(), batches + 1
    return float(total) / batches


def precision(device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 for what a GPU multiplies; a CPU gains nothing by it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def choose_step(network: LesionNet, done: float) -> None:
    """The three steps of Matas et al.: heads on a fixed trunk, everything, pattern heads on a fixed trunk."""
    trunk_learns = 0.2 <= done < 0.8
    network.features[network.cut :].requires_grad_(trunk_learns).train(trunk_learns)
    for head in (network.bcc_head, network.lesion_head):
        head.requires_grad_(done < 0.8)


@torch.no_grad()
def update(averages: list[Tensor], values: list[Tensor], keep: float) -> None:
    """average ← keep · average + (1 - keep) · value, batch-norm statistics included."""
    torch._foreach_lerp_(averages, values, 1 - keep)


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
        parts = torch.load(file, weights_only=True, map_location="cpu")
        state.network.load_state_dict(parts["network"])
        for name, value in parts["average"].items():
            state.average[name].copy_(value)
        state.optimizer.load_state_dict(parts["optimizer"])
        state.schedule.load_state_dict(parts["schedule"])
        state.history[:] = parts["history"]


def _copy(network: LesionNet) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}

"""`python -m ml features RUNS …`: what the folds' networks see in the images that heads are fitted on."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

    from ml.data.collections import Collection

Images = list[tuple[str, "Callable[[], Image.Image]"]]


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("features", help="pooled features of the folds' networks")
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--readings", type=Path, help="the readings: features of the images that were read")
    parser.add_argument("--structures", type=Path, help="ISIC 2018 Task 2: features of its images")
    parser.add_argument(
        "--gate", type=int, metavar="FOLD", help="also what the modality gate learns from, of this fold"
    )
    parser.add_argument("--fold", type=int, nargs="+", choices=range(5), default=range(5), help="default: 0 to 4")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from ml.data.collections import read_collections
    from ml.training.recipe import reading_cells
    from ml.training.recipe.config import read
    from ml.training.recipe.frozen import GATE_SIDE, features_of
    from ml.training.recipe.train import WEIGHTS, load

    torch.set_num_threads(1)
    collections = read_collections(options.ham, options.milk, None)
    for number in options.fold:
        folder = options.folder / f"fold-{number}"
        if not (folder / WEIGHTS).exists():
            continue
        recipe = read(folder)
        network = load(recipe, folder)
        if options.readings:
            images = read_images(collections, options.readings)
            features_of(network, images, recipe.evaluated, folder / "readings.npz")
            if not (folder / reading_cells.FILE).exists():
                reading_cells.write(folder / reading_cells.FILE, network, images, recipe.evaluated)
        if options.structures:
            features_of(network, structures(options.structures), recipe.evaluated, folder / "task2.npz")
        if options.gate == number:
            gate = list(gate_images(collections, folder / "predictions.npz", options.milk))
            features_of(network, gate, recipe.evaluated, folder / "gate.npz", GATE_SIDE)
        print(f"fold {number}: {', '.join(sorted(file.name for file in folder.glob('*.npz')))}", flush=True)
    return 0


def read_images(collections: "list[Collection]", readings: Path) -> Images:
    """Those of HAM10000 and MILK10k that were read."""
    from ml.data.readings import read_readings

    wanted = set(read_readings(readings).images)
    return [
        (item.image_id, partial(each.data.image, item.record))
        for each in collections
        for item in each.items
        if item.image_id in wanted
    ]


def structures(path: Path) -> Images:
    from ml.data.task2 import Isic2018Task2

    data = Isic2018Task2(path)
    return [(record.image_id, partial(data.image, record)) for record in data.records]


def gate_images(
    collections: "list[Collection]", predictions: Path, milk: Path
) -> "Iterator[tuple[str, Callable[[], Image.Image]]]":
    """Dermoscopic images that the fold held out, every close-up, and pictures of anything else.

    A name is kind/lesion: "HAM10000", "MILK10k", "clinical" or "other", and what must not be in two folds.
    """
    import numpy as np

    from ml.data.collections import MILK
    from ml.data.milk10k import Milk10k
    from ml.evaluation import out_of_distribution

    with np.load(predictions) as found:
        held_out = set(found["image_id"].tolist())
    for each in collections:
        for item in each.items:
            if item.image_id in held_out:
                yield f"{each.name}/{item.group}", partial(each.data.image, item.record)
    data = Milk10k(milk)
    for item in next(each.items for each in collections if each.name == MILK):
        if data.has_close_up(item.record):
            yield f"clinical/{item.group}", partial(data.close_up, item.record)
    for number, (kind, picture) in enumerate(out_of_distribution.images(seeds=40)):
        yield f"other/{kind}-{number}", partial(_same, picture)


def _same(picture: "Image.Image") -> "Image.Image":
    return picture

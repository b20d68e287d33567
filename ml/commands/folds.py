"""`python -m ml folds RUNS --ham ZIP --milk ZIP …`: train folds of the recipe and predict what each held out."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ml.data.collections import Collection
    from ml.training.recipe.config import Recipe


NUMBERS: Final = ("epochs", "draws", "batch", "cut", "size", "evaluated", "small", "small_epochs", "seed")
RATES: Final = ("rate", "average", "labelled", "patterns", "gamma", "mixup", "occlusions")


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "folds", help="train folds over several collections; the same command continues where it was interrupted"
    )
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder for fold-0 … fold-4")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--clinics", type=Path, help="ISIC 2019 at 84 pixels")
    parser.add_argument("--readings", type=Path, help="seven patterns read on images of the two: zip or folder")
    parser.add_argument("--structures", type=Path, help="ISIC 2018 Task 2, where experts marked pigment network")
    parser.add_argument("--pairs", type=Path, help="CSV of images that show the same lesion (columns first, second)")
    parser.add_argument("--weights", required=True, help='a .safetensors file of ImageNet weights, or "none"')
    parser.add_argument("--cache", type=Path, help="keep resized images here")
    parser.add_argument("--fold", type=int, nargs="+", choices=range(5), default=range(5), help="default: 0 to 4")
    parser.add_argument(
        "--everything", action="store_true", help="hold nothing out instead: the network to ship, in RUNS/everything"
    )
    parser.add_argument(
        "--only-clinics",
        action="store_true",
        help="learn from ISIC 2019 alone, none of which is ever held out: a start for every fold, in RUNS/clinics",
    )
    parser.add_argument(
        "--teachers", help="folder of finished folds: each is the teacher of its own fold, all of everything"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--until", type=int, metavar="EPOCH", help="stop after this epoch; the command goes on later")
    for name in NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help="see ml/training/recipe/config.py")
    for name in RATES:
        parser.add_argument(f"--{name}", type=float, help="see ml/training/recipe/config.py")
    parser.add_argument("--three-steps", action="store_true", help="heads, everything, pattern heads, as in the paper")
    parser.add_argument("--initial", help="a .safetensors file to start from, or a folder of folds, each from its own")
    parser.add_argument("--threads", type=int, default=1, help="two folds side by side beat one in two threads")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from ml.data.collections import CLINICS, read_collections
    from ml.training.recipe.config import Recipe
    from ml.training.recipe.draws import stored

    torch.set_num_threads(options.threads)
    collections = read_collections(options.ham, options.milk, options.clinics, options.pairs, options.structures)
    if options.only_clinics:
        collections = [each for each in collections if each.name == CLINICS]
    size = options.size or Recipe.size
    pixels = stored(collections, size, options.cache, torch.device(options.device))
    if options.everything or options.only_clinics:
        name = "everything" if options.everything else "clinics"
        train_one(options, collections, pixels, name, frozenset())
        return 0
    for fold in options.fold:
        train_one(options, collections, pixels, f"fold-{fold}", held_out_in(collections, options.seed or 1, fold))
    return 0


def held_out_in(collections: "list[Collection]", seed: int, fold: int) -> frozenset[str]:
    """The lesions that a fold withholds: a fifth of those of every collection but ISIC 2019."""
    from ml.data.collections import CLINICS, fold_of

    judged = [item for each in collections if each.name != CLINICS for item in each.items]
    return frozenset(group for group, number in fold_of(judged, seed).items() if number == fold)


def train_one(
    options: argparse.Namespace,
    collections: "list[Collection]",
    pixels: "Mapping[str, Tensor]",
    name: str,
    held_out: frozenset[str],
) -> None:
    """Raises `DataError` where the folder holds another run."""
    from ml.training.recipe.draws import Draws
    from ml.training.recipe.pattern_labels import read_pattern_labels
    from ml.training.recipe.predictions import PREDICTIONS, write
    from ml.training.recipe.train import train

    recipe, folder = recipe_of(options, name, held_out), options.folder / name
    known = read_pattern_labels(options.readings, options.structures)
    draws = Draws(collections, held_out, recipe, pixels, known)
    network = train(recipe, draws, folder, options.until)
    if network is not None and held_out and not (folder / PREDICTIONS).exists():
        write(folder, network, collections, held_out, recipe.evaluated)


def recipe_of(options: argparse.Namespace, name: str, held_out: frozenset[str]) -> "Recipe":
    import hashlib

    from ml.data.collections import FOLDS
    from ml.training.recipe.config import Recipe

    given = {key: value for key in (*NUMBERS, *RATES) if (value := getattr(options, key)) is not None}
    if options.initial:
        whole = options.initial.endswith(".safetensors")
        given["initial"] = options.initial if whole else f"{options.initial}/{name}/weights.safetensors"
    if options.teachers:
        taught_by = [name] if held_out else [f"fold-{number}" for number in range(FOLDS)]
        given["teachers"] = tuple(f"{options.teachers}/{teacher}" for teacher in taught_by)
    digest = hashlib.sha256("\n".join(sorted(held_out)).encode()).hexdigest()[:16]
    number = int(name.removeprefix("fold-")) if held_out else 0
    return Recipe(weights=options.weights, held_out=digest, fold=number, three_steps=options.three_steps, **given)

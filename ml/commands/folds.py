"""`python -m ml folds RUNS --ham ZIP --milk ZIP …`: train folds of the recipe and predict what each held out."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ml.data.collections import Collection
    from ml.training.recipe.config import Recipe


NUMBERS: Final = ("epochs", "draws", "cut", "size", "evaluated", "small", "small_epochs", "seed")


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "folds", help="train folds over several collections; the same command continues where it was interrupted"
    )
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder for fold-0 … fold-4")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--clinics", type=Path, help="ISIC 2019 at 84 pixels")
    parser.add_argument("--pairs", type=Path, help="CSV of images that show the same lesion (columns first, second)")
    parser.add_argument("--weights", required=True, help='a .safetensors file of ImageNet weights, or "none"')
    parser.add_argument("--cache", type=Path, help="keep resized images here")
    parser.add_argument("--fold", type=int, nargs="+", choices=range(5), default=range(5), help="default: 0 to 4")
    parser.add_argument("--until", type=int, metavar="EPOCH", help="stop after this epoch; the command goes on later")
    for name in NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help="see ml/training/recipe/config.py")
    parser.add_argument("--initial", help="folder of folds to start from, each from the weights of its own fold")
    parser.add_argument("--rate", type=float, help="highest learning rate")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from ml.data.collections import read_collections

    torch.set_num_threads(1)  # two folds side by side beat one in two threads
    collections = read_collections(options.ham, options.milk, options.clinics, options.pairs)
    for fold in options.fold:
        one_fold(options, collections, fold)
    return 0


def one_fold(options: argparse.Namespace, collections: "list[Collection]", fold: int) -> None:
    """Raises `DataError` where the folder holds another run."""
    from ml.data.collections import CLINICS, fold_of
    from ml.training.recipe.draws import Draws
    from ml.training.recipe.predictions import write
    from ml.training.recipe.train import train

    wanted = [item for each in collections if each.name != CLINICS for item in each.items]
    seed = options.seed or 1
    held_out = frozenset(group for group, number in fold_of(wanted, seed).items() if number == fold)
    recipe, folder = recipe_of(options, fold, held_out), options.folder / f"fold-{fold}"
    draws = Draws(collections, held_out, recipe, options.cache)
    network = train(recipe, draws, folder, options.until)
    file = folder / "predictions.npz"
    if network is not None and not file.exists():
        write(file, network, collections, held_out, recipe.evaluated)


def recipe_of(options: argparse.Namespace, fold: int, held_out: frozenset[str]) -> "Recipe":
    import hashlib

    from ml.training.recipe.config import Recipe

    given = {name: value for name in NUMBERS if (value := getattr(options, name)) is not None}
    if options.rate:
        given["rate"] = options.rate
    if options.initial:
        given["initial"] = f"{options.initial}/fold-{fold}/weights.safetensors"
    digest = hashlib.sha256("\n".join(sorted(held_out)).encode()).hexdigest()[:16]
    return Recipe(weights=options.weights, held_out=digest, fold=fold, **given)

"""`python -m ml train RUN --data HAM10000 --weights FILE`."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.commands.sources import add_sources, sources_of

if TYPE_CHECKING:
    from ml.training.config import Config


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("train", help="train a network; run again to resume")
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder for checkpoints and history")
    parser.add_argument("--fold", type=int, default=0, choices=range(5), help="which fifth to hold out")
    add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.training.stages import Trainer

    config = replace(config_of(options), fold=options.fold)
    Trainer(config, sources_of(options), options.folder, device_of(options)).run()
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every kind of training."""
    add_sources(parser)
    parser.add_argument("--backbone", default="mobilenet_v2", help="see `python -m ml backbones`; default: %(default)s")
    parser.add_argument(
        "--weights", required=True, help='a .safetensors file, or the name of published weights such as "IMAGENET1K_V2"'
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--epochs", type=int, nargs=4, metavar=("HEADS", "LAST", "ALL", "SLOW"), help="epochs of each step"
    )
    parser.add_argument("--size", type=int, help="side of the input in pixels (default: what the weights expect)")
    parser.add_argument("--draws", type=int, help="images sampled per epoch")
    parser.add_argument("--drawings", type=int, help="synthetic drawings among the training images")
    parser.add_argument("--bf16", action="store_true", help="bfloat16: twice as fast if the hardware supports it")
    parser.add_argument("--device", help="default: cuda if available, else cpu")


def config_of(options: argparse.Namespace) -> "Config":
    """The configuration the options describe. Raises `DataError` for an unknown backbone."""
    from ml.training.config import Config, three_steps

    named = ("backbone", "weights", "seed", "size", "draws", "drawings")
    given = {name: value for name in named if (value := getattr(options, name)) is not None}
    steps = three_steps(options.backbone, options.epochs) if options.epochs else three_steps(options.backbone)
    return Config(**given, half=options.bf16, stages=steps)


def device_of(options: argparse.Namespace) -> str:
    import torch

    return options.device or ("cuda" if torch.cuda.is_available() else "cpu")

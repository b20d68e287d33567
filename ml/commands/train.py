"""`python -m ml train RUN --data HAM10000 --weights FILE`."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "train", help="train a network; the same command continues an interrupted run"
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder for checkpoints and history")
    parser.add_argument("--data", type=Path, required=True, help="HAM10000: the zip or the unpacked folder")
    parser.add_argument(
        "--weights", required=True, help='backbone: a .safetensors file, or a torchvision name such as "IMAGENET1K_V2"'
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--epochs", type=int, nargs=3, metavar=("HEADS", "LAST", "ALL"), help="epochs of the three steps"
    )
    parser.add_argument("--views", type=int, help="cached views of each image on a processor (memory: 0.33 GB a view)")
    parser.add_argument("--bf16", action="store_true", help="bfloat16: twice as fast where the processor has it")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from ml.datasets import Ham10000
    from ml.training import STAGES, Config, Stage, Trainer

    stages: tuple[Stage, ...] = STAGES
    if options.epochs:
        stages = tuple(replace(stage, epochs=n) for stage, n in zip(stages, options.epochs, strict=True))
    if options.views is not None:
        stages = tuple(replace(stage, views=options.views) if stage.views else stage for stage in stages)
    config = Config(weights=options.weights, seed=options.seed, half=options.bf16, stages=stages)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    Trainer(config, Ham10000(options.data), options.folder, device).run()
    return 0

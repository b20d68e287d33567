"""`python -m ml refine BASE RUN --data HAM10000 --structures ISIC2018`: add the pattern heads to a trained run."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "refine", help="go on from a trained run with pattern labels; the same command continues an interrupted run"
    )
    parser.add_argument("base", type=Path, metavar="BASE", help="folder of the finished run to start from")
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder for checkpoints and history")
    parser.add_argument("--data", type=Path, required=True, help="HAM10000: the zip or the unpacked folder, with masks")
    parser.add_argument("--structures", type=Path, required=True, help="ISIC 2018 Task 2: the zip or the folder")
    parser.add_argument("--seed", type=int, default=1, help="the base's: held-out lesions stay held out")
    parser.add_argument("--epochs", type=int, help="epochs of the only step")
    parser.add_argument("--bf16", action="store_true", help="bfloat16: twice as fast where the processor has it")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from ml.datasets import Ham10000
    from ml.refinement import JOINT_STAGES, JointConfig, JointTrainer
    from ml.structures import Isic2018Task2

    (stage,) = JOINT_STAGES
    stages = (replace(stage, epochs=options.epochs or stage.epochs),)
    config = JointConfig(weights=options.base.name, seed=options.seed, half=options.bf16, stages=stages)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    data, marked = Ham10000(options.data), Isic2018Task2(options.structures)
    JointTrainer(config, options.base, data, marked, options.folder, device).run()
    return 0

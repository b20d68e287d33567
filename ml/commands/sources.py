"""The data-set options of training, export and evaluation."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.data.mixture import Sources


def add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="HAM10000 with masks: the zip or the unpacked folder")
    parser.add_argument("--structures", type=Path, help="ISIC 2018 Task 2: adds the seven patterns")
    parser.add_argument("--other-clinics", type=Path, help="ISIC 2019 at 84 pixels: adds a second site")


def sources_of(options: argparse.Namespace) -> "Sources":
    """The data sets named on the command line. Raises `DataError`."""
    from ml.data.ham10000 import Ham10000
    from ml.data.isic2019 import Isic2019LowResolution
    from ml.data.mixture import Sources
    from ml.data.task2 import Isic2018Task2

    return Sources(
        Ham10000(options.data),
        Isic2018Task2(options.structures) if options.structures else None,
        Isic2019LowResolution(options.other_clinics) if options.other_clinics else None,
    )

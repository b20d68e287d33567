"""Command line: `python -m ml COMMAND`. Every command has --help; `python -m ml --help` lists them."""

import argparse
import sys
from collections.abc import Sequence

from ml.bundle import BundleError
from ml.commands import (
    backbones,
    bench,
    card,
    consensus,
    evaluate,
    explain,
    folds,
    pairs,
    predict,
    quality,
    release,
)
from ml.data.records import DataError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 some images could not be read, 2 failed."""
    parser = argparse.ArgumentParser(prog="python -m ml", description="Train, evaluate and use DermTriage models.")
    commands = parser.add_subparsers(required=True, metavar="command")
    training = (
        pairs,
        folds,
        release,
        evaluate,
        card,
    )
    for command in (*training, predict, explain, consensus, bench, backbones, quality):
        command.register(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (BundleError, DataError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to resume training.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

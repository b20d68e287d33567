"""`python -m ml consensus RATINGS -o REFERENCE`: see `ml.consensus`."""

from typing import Any

from ml.consensus import command


def register(commands: Any) -> None:
    parser = commands.add_parser("consensus", help="make a standard reference from several raters")
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)

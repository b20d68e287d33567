"""The command: ratings in, standard reference and agreement out."""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ml.consensus.agreement import cohen_kappas, fleiss_kappa
from ml.consensus.em import Consensus, counts_of, dawid_skene
from ml.consensus.table import Ratings, RatingsError, read_ratings, write_reference
from ml.patterns import Pattern

CLASSES = 2  # absent, present
PAIRS_UP_TO = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("ratings", type=Path, help="CSV with the columns image, rater, pattern, value (0, 1 or blank)")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("reference.csv"), help="reference to write (default: %(default)s)"
    )
    parser.add_argument("--agreement", type=Path, help="agreement figures to write, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Read the ratings, write the reference; the exit status is 2 for a file that cannot be used."""
    try:
        _refuse_overwriting(arguments)
        ratings = read_ratings(arguments.ratings)
    except (OSError, RatingsError) as error:
        print(f"{arguments.ratings}: {error}", file=sys.stderr)
        return 2
    found = consensus_by_pattern(ratings)
    write_reference(arguments.output, ratings, found)
    figures = {pattern.value: agreement(ratings, pattern, consensus) for pattern, consensus in found.items()}
    if arguments.agreement:
        arguments.agreement.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    print(f"{len(ratings.images)} images, {len(ratings.raters)} raters → {arguments.output}")
    for name, figure in figures.items():
        print(_line(name, figure))
    return 0


def _refuse_overwriting(arguments: argparse.Namespace) -> None:
    """Raises RatingsError where one file would replace another."""
    written = [path.resolve() for path in (arguments.output, arguments.agreement) if path]
    if arguments.ratings.resolve() in written:
        raise RatingsError("The output would replace the ratings. Choose another file.")
    if len(set(written)) < len(written):
        raise RatingsError(f"Reference and agreement would both be written to {arguments.output}.")


def consensus_by_pattern(ratings: Ratings) -> dict[Pattern, Consensus]:
    """A consensus per rated pattern, because a rater may be good at one pattern and poor at another."""
    counts = {pattern: counts_of(ratings.of(pattern), CLASSES) for pattern in Pattern}
    return {pattern: dawid_skene(table) for pattern, table in counts.items() if table.any()}


def agreement(ratings: Ratings, pattern: Pattern, consensus: Consensus) -> dict[str, Any]:
    """Kappas and rater quality for one pattern, ready for JSON; an undefined figure is None.

    Up to `PAIRS_UP_TO` raters every pair is listed; the summary is of all pairs with a defined kappa.
    """
    values = ratings.of(pattern)
    pairs = cohen_kappas(values, CLASSES)
    names = ratings.raters
    given = (values >= 0).sum(axis=0).tolist()
    known = pairs[np.tril_indices(len(names), -1)]
    known = known[~np.isnan(known)]
    return {
        "prevalence": round(float(consensus.prevalence[1]), 6),
        "fleiss_kappa": _defined(fleiss_kappa(counts_of(values, CLASSES).sum(axis=1))),
        "cohen_kappas": {
            "pairs": known.size,
            "min": _defined(known.min()) if known.size else None,
            "mean": _defined(known.mean()) if known.size else None,
            "max": _defined(known.max()) if known.size else None,
        },
        "cohen_kappa": [
            {"raters": [names[second], names[first]], "kappa": _defined(float(pairs[first, second]))}
            for first in range(len(names) if len(names) <= PAIRS_UP_TO else 0)
            for second in range(first)
        ],
        "raters": {
            name: {
                "sensitivity": _defined(float(consensus.confusion[index, 1, 1])),
                "specificity": _defined(float(consensus.confusion[index, 0, 0])),
                "ratings": given[index],
            }
            for index, name in enumerate(names)
            if given[index]
        },
        "iterations": consensus.iterations,
        "converged": consensus.converged,
        "notes": list(consensus.notes),
    }


def _defined(figure: float) -> float | None:
    return None if math.isnan(figure) else round(float(figure), 6)


def _line(name: str, figure: dict[str, Any]) -> str:
    fleiss = "undefined" if figure["fleiss_kappa"] is None else f"{figure['fleiss_kappa']:.3f}"
    pairs = figure["cohen_kappas"]
    cohen = "undefined"
    if pairs["pairs"]:
        cohen = f"{pairs['min']:.3f} to {pairs['max']:.3f}, mean {pairs['mean']:.3f}"
    line = f"{name}: prevalence {figure['prevalence']:.3f}; Fleiss κ {fleiss}; Cohen κ {cohen}"
    return "\n".join([line, *(f"    {note}" for note in figure["notes"])])

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


def consensus_by_pattern(ratings: Ratings) -> dict[Pattern, Consensus]:
    """A consensus per rated pattern, because a rater may be good at one pattern and poor at another."""
    counts = {pattern: counts_of(ratings.of(pattern), CLASSES) for pattern in Pattern}
    return {pattern: dawid_skene(table) for pattern, table in counts.items() if table.any()}


def agreement(ratings: Ratings, pattern: Pattern, consensus: Consensus) -> dict[str, Any]:
    """Kappas and rater quality for one pattern, ready for JSON; an undefined figure is None."""
    values = ratings.of(pattern)
    pairs = cohen_kappas(values, CLASSES)
    names = ratings.raters
    given = (values >= 0).sum(axis=0).tolist()
    return {
        "prevalence": round(float(consensus.prevalence[1]), 6),
        "fleiss_kappa": _defined(fleiss_kappa(counts_of(values, CLASSES).sum(axis=1))),
        "cohen_kappa": [
            {"raters": [names[second], names[first]], "kappa": _defined(float(pairs[first, second]))}
            for first in range(len(names))
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
    return None if math.isnan(figure) else round(figure, 6)


def _line(name: str, figure: dict[str, Any]) -> str:
    pairs = [pair["kappa"] for pair in figure["cohen_kappa"] if pair["kappa"] is not None]
    fleiss = "undefined" if figure["fleiss_kappa"] is None else f"{figure['fleiss_kappa']:.3f}"
    cohen = f"{min(pairs):.3f} to {max(pairs):.3f}, mean {np.mean(pairs):.3f}" if pairs else "undefined"
    line = f"{name}: prevalence {figure['prevalence']:.3f}; Fleiss κ {fleiss}; Cohen κ {cohen}"
    return "\n".join([line, *(f"    {note}" for note in figure["notes"])])

"""`python -m ml judge RUNS`: what the folds of the recipe reach on lesions that they never saw."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml.data.diagnoses import Diagnosis
    from ml.evaluation.bootstrap import Estimate
    from ml.evaluation.table_3_out_of_fold import Row


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("judge", help="out-of-fold figures of `folds`, by collection")
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4")
    parser.add_argument("--views", type=int, nargs="+", default=(4, 1), choices=(1, 2, 4))
    parser.add_argument("--pairs", type=Path, help="leave out images that pair with one of another fold (CSV)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.data.diagnoses import MALIGNANT
    from ml.data.records import DataError
    from ml.evaluation.leaks import leaking
    from ml.evaluation.out_of_fold import OutOfFold, figures, over_folds
    from ml.evaluation.table_3_out_of_fold import TooFewLesions, table3
    from ml.release.malignant import calibration

    folders = sorted(file.parent for file in options.folder.glob("fold-*/predictions.npz"))
    if not folders:
        raise DataError(f"{options.folder} has no finished fold yet.")
    for views in options.views:
        found = OutOfFold.read(folders, views)
        dropped = leaking(found, options.pairs)
        found = OutOfFold.read(folders, views, dropped)
        print(f"\n{views} view{'s'[: views > 1]}, {len(folders)} of 5 folds, {len(dropped)} images left out.")
        print(text(figures(found), over_folds(found), counts(found.collection.tolist(), found.bcc.tolist())))
        for kind in MALIGNANT:
            try:
                print(table(kind.value, table3(found.finding(kind))))
            except TooFewLesions as error:
                print(f"Table 3, {kind.value}: {error}")
        if len(folders) > 1:
            print(calibration_text(calibration(found)))
    return 0


def counts(collections: Sequence[str], bcc: Sequence[bool]) -> Mapping[str, str]:
    """How many images each collection has, and how many of them are BCC."""
    named = list(zip(collections, bcc, strict=True))
    return {
        name: f"{sum(one == name for one, _ in named)} images, {sum(one == name and yes for one, yes in named)} BCC"
        for name in sorted(set(collections))
    }


def text(
    pooled: "Mapping[str, Mapping[str, Estimate]]",
    folds: Mapping[str, Mapping[str, Sequence[float]]],
    sizes: Mapping[str, str],
) -> str:
    """The table: pooled figures with intervals, and their mean and variance over folds."""
    from statistics import fmean, variance

    lines = []
    for name, rows in pooled.items():
        lines.append(
            f"{name} ({sizes[name]}). Intervals: 95 % bootstrap over lesions; then mean and variance over folds"
        )
        for figure, estimate in rows.items():
            values = folds[name].get(figure, [])
            spread = f"{variance(values):.1e}" if len(values) > 1 else "n/a"
            lines.append(f"  {figure:40} {words(estimate):26} {fmean(values):.3f}  {spread}")
    return "\n".join(lines)


def calibration_text(found: "Mapping[Diagnosis, Mapping[str, Estimate]]") -> str:
    lines = ["Expected calibration error, each fold by the temperature and offset of the others"]
    lines += [f"  {name:9} {kind.value:30} {words(row)}" for kind, rows in found.items() for name, row in rows.items()]
    return "\n".join(lines)


def table(kind: str, rows: "Mapping[str, Mapping[str, Row]]") -> str:
    """Table 3 in words."""
    lines = [
        "Table 3, BCC, each fold at the threshold of the others: pooled with interval; mean and variance over folds"
    ]
    for name, figures in rows.items():
        for figure, row in figures.items():
            spread = "n/a" if row.variance is None else f"{row.variance:.1e}"
            lines.append(f"  {name:9} {figure:30} {words(row.pooled):26} {row.mean:.3f}  {spread}")
    return "\n".join(lines)


def words(estimate: "Estimate") -> str:
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    if value is None:
        return "n/a"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"

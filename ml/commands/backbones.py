"""`python -m ml backbones [--json]`: Table 5: what each backbone costs on this machine, with known accuracies."""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Final

from ml.bundle import BundleError, read_card

_FIGURES: Final = ("auc", "average_precision")


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("backbones", help="compare what backbones cost")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument(
        "--bundle",
        type=Path,
        action="append",
        metavar="DIR",
        help="show the accuracy of this bundle; may be repeated (default: the shipped bundle)",
    )
    parser.add_argument(
        "--repetitions", type=int, default=5, help="passes to time; 0: no latency (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.evaluation.table_5 import table

    load = os.getloadavg()[0]
    rows = table(
        accuracy=_accuracy(options.bundle), repetitions=max(options.repetitions, 0), threads=max(options.threads, 1)
    )
    machine = {"cores": os.cpu_count(), "threads": options.threads, "load_before": round(load, 2)}
    print(json.dumps({"machine": machine, "backbones": rows}, indent=1) if options.json else _text(rows))
    return 0


def _accuracy(bundles: list[Path] | None) -> dict[str, dict[str, Any]]:
    """The figures of each card, by the backbone it names; empty if no bundle is at hand."""
    from ml.backbones import described

    try:
        cards = [read_card(bundle) for bundle in bundles] if bundles else [read_card()]
    except BundleError:
        if bundles:
            raise
        return {}
    return {
        described(card.backbone).name: {
            "bundle": card.reference,
            "split": card.metrics.get("split"),
            **{name: card.metrics[name] for name in _FIGURES if name in card.metrics},
        }
        for card in cards
    }


def _text(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'backbone':<19}{'parameters':>12}{'GMac':>9}{'ms':>9}  accuracy"]
    for row in rows:
        latency = "" if row["latency_ms"] is None else f"{row['latency_ms']:.1f}"
        accuracy = row["accuracy"]
        words = accuracy if isinstance(accuracy, str) else _words(accuracy)
        lines.append(f"{row['label']:<19}{row['parameters'] / 1e6:>11.2f}M{row['gmacs']:>9.3f}{latency:>9}  {words}")
    return "\n".join(lines)


def _words(accuracy: dict[str, Any]) -> str:
    auc = f"AUC {accuracy['auc']['value']:.3f}, " if "auc" in accuracy else ""
    return f"{auc}{accuracy['bundle']}"

"""`python -m ml backbones [--json]`: Table 5: what each backbone costs on this machine, with known accuracies."""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Final

from ml.bundle import DEFAULT_BUNDLE, BundleError, read_card

_FIGURE: Final = "BCC: AUC"


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
    """What each bundle's report says of BCC, by the backbone its card names; without a report there is nothing.

    Collection → {value, low, high}, and which bundle. Empty if no bundle is at hand.
    """
    from ml.backbones import described
    from ml.report.files import REPORT_FILE, read_report

    try:
        cards = {bundle: read_card(bundle) for bundle in bundles or [DEFAULT_BUNDLE]}
    except BundleError:
        if bundles:
            raise
        return {}
    return {
        described(card.backbone).name: {
            "bundle": card.reference,
            **{
                collection: figures[_FIGURE]
                for collection, figures in read_report(bundle / REPORT_FILE, card).get("diagnosis", {}).items()
            },
        }
        for bundle, card in cards.items()
        if (bundle / REPORT_FILE).exists()
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
    areas = [f"{name} AUC {figure['value']:.3f}" for name, figure in accuracy.items() if name != "bundle"]
    return ", ".join([*areas, accuracy["bundle"]])

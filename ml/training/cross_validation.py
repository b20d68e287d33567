"""Five folds in one table: how far the figures depend on which lesions were held out."""

from collections.abc import Iterator, Sequence
from statistics import fmean, stdev
from typing import Any, Final

_POINT: Final = "target_sensitivity"


def summary(folds: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """From the metrics of each fold's card: name → {folds, mean, sd} of every figure that all folds have.

    The standard deviation is over folds (n - 1). Names of nested figures are joined by dots.
    """
    rows = [dict(_flat("", fold)) for fold in folds]
    shared = [name for name in rows[0] if all(name in row for row in rows)]
    return {name: _row([row[name] for row in rows]) for name in shared}


def _row(values: list[float]) -> dict[str, Any]:
    return {"folds": values, "mean": fmean(values), "sd": stdev(values) if len(values) > 1 else None}


def _flat(prefix: str, node: Any) -> Iterator[tuple[str, float]]:
    """Name and value of each figure: of each node that has a value and an interval."""
    if isinstance(node, list):  # operating points, or plain counts
        node = {str(row[_POINT]): row for row in node if isinstance(row, dict) and _POINT in row}
    if isinstance(node, dict) and {"value", "low", "high"} <= node.keys():
        if node["value"] is not None:
            yield prefix, float(node["value"])
    elif isinstance(node, dict):
        for name, inner in node.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, inner)

"""Do the maps lie where they should? Beside readers' cells, experts' masks and lesion masks, and the paper's Table 4.

A map counts by its 4 × 4 cells, out of fold: the served ones by the shares of their energy; where the folds' graphs
have not been asked yet, what the pattern heads say of the cells. The readers' cells are weak labels
(`ml.data.readings`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.special import expit

from ml.card import BCC, CODES
from ml.data.records import DataError
from ml.evaluation.alignment import Alignment, Mask, align, square_of, table, two_sided, z_between
from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.cells import GRID, MARKED, against_readers, shares
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.outputs import Outputs
from ml.evaluation.pattern_heads import PATTERNS, SIX

Names = npt.NDArray[np.str_]
READERS: Final = "readers' cells"
EXPERTS: Final = "experts' masks"
LESIONS: Final = "lesion masks"
NOTHING: Final[Estimate] = {"value": None, "low": None, "high": None}


@dataclass(frozen=True)
class OnMasks:
    """N images that truly show a target: a map (h, w) ≥ 0 and a mask (H, W) of the whole image of each, whose lesion,
    and whether the target was `called` (N,), where that is known."""

    pairs: Sequence[tuple[Floats, Mask]]
    group: Names
    called: Flags | None = None


@dataclass(frozen=True)
class OnCells:
    """The same with `maps` (N, 4, 4) and the share of readers who named each cell, `read` (N, 4, 4)."""

    maps: Floats
    read: Floats
    group: Names
    called: Flags | None = None

    def on_masks(self) -> OnMasks:
        """The cells that at least half of the readers named, as masks."""
        return OnMasks(list(zip(self.maps, self.read >= MARKED, strict=True)), self.group, self.called)


def served(found: Outputs, images: Sequence[str]) -> dict[str, Floats]:
    """Code → (M, 4, 4) shares of energy of the served maps of these images. Raises `DataError` where one is missing."""
    row_of = {name: row for row, name in enumerate(found.name.tolist())}
    missing = [image for image in images if image not in row_of]
    if missing:
        raise DataError(f"The folds' outputs lack {len(missing)} images, such as {missing[0]}: release the folds anew.")
    shares = found.shares[[row_of[image] for image in images]]
    return {code: shares[:, k] for k, code in enumerate(CODES)}


def from_cells(logits: Floats) -> dict[str, Floats]:
    """Code → (M, 4, 4) of (M, 16, 7) logits of the patterns. A BCC is where any of the six is."""
    cells = expit(logits)
    each = {pattern.value: cells[..., k] for k, pattern in enumerate(PATTERNS)}
    return {code: part.reshape(-1, GRID, GRID) for code, part in {BCC: of_bcc(cells), **each}.items()}


def of_bcc(cells: Floats) -> Floats:
    """(M, 16, 7) of the patterns → (M, 16): the highest of the six."""
    found: Floats = cells[..., SIX].max(axis=2)
    return found


def targets(
    maps: Mapping[str, Floats], named: Floats, shown: Mapping[str, Flags], group: Names, called: Mapping[str, Flags]
) -> dict[str, OnCells]:
    """BCC and the seven patterns of M images, of which readers `named` (M, 16, 7) the cells: code → those that show it.

    `shown` and `called`: code → (M,).
    """
    read = {BCC: of_bcc(named)} | {pattern.value: named[..., k] for k, pattern in enumerate(PATTERNS)}
    return {
        code: OnCells(
            maps[code][rows],
            read[code][rows].reshape(-1, GRID, GRID),
            group[rows],
            called[code][rows] if code in called else None,
        )
        for code, rows in shown.items()
    }


def beside_readers(found: Mapping[str, OnCells], resamples: int | None = None) -> dict[str, dict[str, Any]]:
    """Code → `images`, `ratio` and `missed` of `ml.evaluation.cells`, and the share of energy `inside` the cells."""
    rows = {}
    for code, each in found.items():
        share = shares(each.maps)
        row = against_readers(share, each.read, each.group, resamples)
        marked = each.read >= MARKED
        usable = marked.any(axis=(1, 2))
        inside = (share * marked).sum(axis=(1, 2))
        rows[code] = {
            "images": row.images,
            "ratio": row.ratio,
            "missed": row.missed,
            "inside": mean_of(inside[usable], each.group[usable], resamples),
        }
    return rows


def inside_lesions(found: OnMasks, resamples: int | None = None) -> dict[str, Any]:
    """The share of the maps' energy inside masks of lesions, beside the lesions' share of the area, which a flat map
    would reach. Within a cell the energy counts as spread evenly."""
    if not found.pairs:
        return {"images": 0, "inside": NOTHING, "area": NOTHING}
    covered = np.stack([coverage(mask) for _, mask in found.pairs])
    share = shares(np.stack([heatmap for heatmap, _ in found.pairs]))
    return {
        "images": len(found.pairs),
        "inside": mean_of((share * covered).sum(axis=(1, 2)), found.group, resamples),
        "area": mean_of(covered.mean(axis=(1, 2)), found.group, resamples),
    }


def coverage(mask: Mask) -> Floats:
    """(4, 4): how much of each cell of the analysed square is covered by a mask of the whole image (H, W)."""
    square = Image.fromarray(square_of(mask).astype(np.float32))
    return np.asarray(square.resize((GRID, GRID), Image.Resampling.BOX), np.float64)


def mean_of(values: Floats, group: Names, resamples: int | None = None) -> Estimate:
    """The mean of (N,) values, NaN left out, with its interval over lesions."""
    known = ~np.isnan(values)
    if not known.any():
        return NOTHING
    kept = values[known]
    return Bootstrap(group[known], resamples).interval(lambda weights: (weights @ kept) / weights.sum(axis=1))


def table_4(rows: Mapping[str, OnMasks], resamples: int | None = None) -> dict[str, dict[str, Any]]:
    """Rows of `ml.evaluation.alignment.table`, by name; a row without a usable pair of map and mask is left out.

    Where it is known which images were called the row has `calls`: correct beside incorrect predictions.
    """
    found: dict[str, Alignment] = {}
    for name, row in rows.items():
        try:
            found[name] = align(row.pairs, row.group.tolist(), resamples)
        except ValueError:  # not one usable pair
            continue
    return {name: {**row, "calls": by_call(rows[name])} for name, row in table(found).items()}


def by_call(found: OnMasks) -> dict[str, Any] | None:
    """Of images that show the target: the mean over lesions of energy inside less outside, where it was called and
    where it was not, and a z-test between the two."""
    if found.called is None:
        return None
    gaps = np.array([_gap(heatmap, mask) for heatmap, mask in found.pairs])
    right, wrong = (_by_lesion(gaps[part], found.group[part]) for part in (found.called, ~found.called))
    z = z_between(right, wrong)
    return {"correct": _mean(right), "incorrect": _mean(wrong), "z": z, "p": two_sided(z)}


def _mean(values: Floats) -> dict[str, Any]:
    return {"lesions": len(values), "difference": float(values.mean()) if len(values) else None}


def _by_lesion(values: Floats, group: Names) -> Floats:
    """The mean of each lesion's (N,) values, NaN left out."""
    known = ~np.isnan(values)
    names, index = np.unique(group[known], return_inverse=True)
    means: Floats = np.bincount(index, values[known], len(names)) / np.bincount(index, minlength=len(names))
    return means


def _gap(heatmap: Floats, mask: Mask) -> float:
    try:
        row = align([(heatmap, mask)], resamples=1)
    except ValueError:
        return float("nan")
    return row.energy_inside - row.energy_outside

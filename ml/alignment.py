"""Do heatmaps light up where experts see the pattern? Table 4 of Matas et al., arXiv 2407.00104.

Values are those of a Grad-CAM map normalised by its own maximum, [0, 1], over the analysed square. Pooled over images
they give two conditional densities, p(value | inside the mask) and p(value | outside), and the area under both (1: the
map says nothing of the mask; 0: it separates the two).

The tests are image-wise, because cells of one map depend on each other and images do not: the paper tests in the energy
domain without our having its definition at hand, so here an image's energy is the mean **squared** value inside, or
outside, the mask (the usual meaning of signal energy), and Wilcoxon's signed-rank test compares the two over images.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.stats import false_discovery_control, wilcoxon

from ml.preprocessing import region

BINS: Final = 50

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Pair = tuple[npt.NDArray[np.floating], Mask]


@dataclass(frozen=True)
class Energies:
    """Mean squared value inside and outside the mask, one number an image: (N,) each."""

    inside: Floats
    outside: Floats


@dataclass(frozen=True)
class Alignment:
    """One row of Table 4, before correction for several rows.

    `inside`, `outside`: densities over `BINS` equal bins of [0, 1], each with the integral 1. `skipped`: images without
    a map, or with a mask that is empty or covers everything; they say nothing here, and a map of zeros is "no map".
    `p` is None where too few images differ for a test.
    """

    images: int
    skipped: int
    inside: tuple[float, ...]
    outside: tuple[float, ...]
    mean_inside: float
    sd_inside: float
    mean_outside: float
    sd_outside: float
    intersection: float
    energy_inside: float
    energy_outside: float
    cohens_d: float | None
    p: float | None

    @property
    def ratio(self) -> float:
        """Mean inside over mean outside."""
        return self.mean_inside / self.mean_outside if self.mean_outside else float("inf")


def values_on_mask(heatmap: npt.NDArray[np.floating], mask: Mask) -> Floats | None:
    """A raw map (h, w) normalised and enlarged onto a mask of the analysed square (H, W); None for a map of zeros.

    The cubic filter is that of the overlays that people see (`ml.results.Heatmap`).
    """
    peak = float(heatmap.max())
    if peak <= 0:
        return None
    unit = Image.fromarray((heatmap / peak).astype(np.float32))
    large = unit.resize((mask.shape[1], mask.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float64).clip(0, 1)


def square_of(mask: Mask) -> Mask:
    """The analysed square of a mask that covers the whole upright image: (H, W) → (s, s)."""
    box = region(mask.shape[1], mask.shape[0])
    return mask[box.top : box.top + box.size, box.left : box.left + box.size]


def align(pairs: Iterable[Pair]) -> Alignment:
    """Statistics of raw heatmaps (h, w) against expert masks of the whole image (H, W).

    Raises ValueError where not one pair counts.
    """
    counts, moments = np.zeros((2, BINS)), np.zeros((2, 3))  # rows: outside, inside; columns: Σ1, Σv, Σv²
    energies: list[tuple[float, float]] = []
    skipped = 0
    for heatmap, whole in pairs:
        mask = square_of(whole.astype(bool))
        values = values_on_mask(heatmap, mask)
        if values is None or mask.all() or not mask.any():
            skipped += 1
            continue
        parts = (values[~mask], values[mask])
        for row, part in enumerate(parts):
            counts[row] += np.histogram(part, bins=BINS, range=(0, 1))[0]
            moments[row] += (part.size, part.sum(), (part**2).sum())
        energies.append((float((parts[0] ** 2).mean()), float((parts[1] ** 2).mean())))
    if not energies:
        raise ValueError("Not one image has both a map and a mask that leaves something out.")
    outside, inside = np.array(energies).T
    return _alignment(counts, moments, Energies(inside, outside), skipped)


def _alignment(counts: Floats, moments: Floats, energies: Energies, skipped: int) -> Alignment:
    densities = counts / counts.sum(axis=1, keepdims=True) * BINS
    means = moments[:, 1] / moments[:, 0]
    deviations = np.sqrt(np.maximum(moments[:, 2] / moments[:, 0] - means**2, 0))
    return Alignment(
        images=len(energies.inside),
        skipped=skipped,
        inside=tuple(densities[1].tolist()),
        outside=tuple(densities[0].tolist()),
        mean_inside=float(means[1]),
        sd_inside=float(deviations[1]),
        mean_outside=float(means[0]),
        sd_outside=float(deviations[0]),
        intersection=intersection_area(densities[1], densities[0]),
        energy_inside=float(energies.inside.mean()),
        energy_outside=float(energies.outside.mean()),
        cohens_d=cohens_d(energies),
        p=signed_rank_p(energies),
    )


def intersection_area(first: Floats, second: Floats) -> float:
    """Area under the lower of two densities over the bins of [0, 1]: 0 to 1."""
    return float(np.minimum(first, second).sum() / len(first))


def cohens_d(energies: Energies) -> float | None:
    """Difference of the means over the pooled standard deviation (Cohen 1988); None where it has no value."""
    if len(energies.inside) < 2:
        return None
    pooled = float(np.sqrt((energies.inside.var(ddof=1) + energies.outside.var(ddof=1)) / 2))
    return float((energies.inside.mean() - energies.outside.mean()) / pooled) if pooled > 0 else None


def signed_rank_p(energies: Energies) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test over images; None where no two images differ inside from outside."""
    differences = energies.inside - energies.outside
    if np.count_nonzero(differences) < 2:
        return None
    return float(wilcoxon(differences[differences != 0]).pvalue)


def table(rows: Mapping[str, Alignment]) -> dict[str, dict[str, Any]]:
    """The rows ready for JSON, with each p also corrected for the number of rows that have one.

    Bonferroni bounds the chance of a single false finding; Benjamini and Hochberg (1995) the share of false ones.
    """
    tested = [name for name, row in rows.items() if row.p is not None]
    p = np.array([row.p for row in rows.values() if row.p is not None], np.float64)
    bonferroni = dict(zip(tested, np.minimum(p * len(p), 1).tolist(), strict=True))
    adjusted = dict(zip(tested, false_discovery_control(p).tolist() if len(p) else [], strict=True))
    return {
        name: {
            **asdict(row),
            "ratio": row.ratio if np.isfinite(row.ratio) else None,
            "p_bonferroni": bonferroni.get(name),
            "p_benjamini_hochberg": adjusted.get(name),
        }
        for name, row in rows.items()
    }

"""Statistics of heatmaps inside and outside a mask: one row of Table 4 of Matas et al., arXiv 2407.00104.

Values are those of a Grad-CAM map over the analysed square, normalised by its own maximum to [0, 1]. Pooled over images
they give two conditional densities, p(value | inside the mask) and p(value | outside), and the area under both: 1 if
the map says nothing about the mask, 0 if it separates inside from outside.

Tests are per image, because the cells of one map are not independent; images of one lesion are averaged first. The
paper tests in "the energy domain" without defining it; here an image's energy is the mean **squared** value inside, or
outside, the mask (the usual meaning of signal energy), and a two-sided z-test asks whether the two differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.stats import false_discovery_control, norm

from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.imaging.preprocessing import region

BINS: Final = 50

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Pair = tuple[npt.NDArray[np.floating], Mask]


@dataclass(frozen=True)
class Energies:
    """Mean squared value inside and outside the mask, for each image or lesion: (N,) each."""

    inside: Floats
    outside: Floats

    @property
    def difference(self) -> Floats:
        return self.inside - self.outside

    def by_lesion(self, lesion: Sequence[Any]) -> Self:
        """The mean over the images of each lesion."""
        names, index = np.unique(np.asarray(lesion), return_inverse=True)
        count = np.bincount(index, minlength=len(names))
        return type(self)(*(np.bincount(index, part) / count for part in (self.inside, self.outside)))


@dataclass(frozen=True)
class Alignment:
    """One row of Table 4, before correction for multiple tests.

    `inside`, `outside`: densities over `BINS` equal bins of [0, 1], each integrating to 1. `skipped`: images without a
    map (one of zeros counts as none), or with a mask that is empty or covers everything. `z` and `p` are None with
    fewer than two lesions, or where all differ by the same. `ratio`: mean inside over mean outside, with its bootstrap
    interval over lesions; its value is None if every value outside is 0.
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
    z: float | None
    p: float | None
    ratio: Estimate


def values_on_mask(heatmap: npt.NDArray[np.floating], mask: Mask) -> Floats | None:
    """A raw map (h, w), normalised and enlarged to the size of the mask (H, W); None for a map of zeros.

    The cubic filter is that of the displayed overlays (`ml.results.Heatmap`).
    """
    peak = float(heatmap.max())
    if peak <= 0:
        return None
    unit = Image.fromarray((heatmap / peak).astype(np.float32))
    large = unit.resize((mask.shape[1], mask.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float64).clip(0, 1)


def square_of(mask: Mask) -> Mask:
    """The part of a whole-image mask that lies in the analysed square: (H, W) → (s, s)."""
    box = region(mask.shape[1], mask.shape[0])
    return mask[box.top : box.top + box.size, box.left : box.left + box.size]


def align(pairs: Iterable[Pair], lesions: Sequence[str] | None = None, resamples: int | None = None) -> Alignment:
    """Statistics of raw heatmaps (h, w) against expert masks of the whole image (H, W).

    `lesions` names the lesion of each pair; by default every pair is its own. Raises ValueError if no pair is usable.
    """
    counts = np.zeros((2, BINS))
    moments: list[list[tuple[float, ...]]] = []  # of each image: outside, inside; Σ1, Σv, Σv²
    counted: list[int] = []
    pair = -1
    for pair, (heatmap, whole) in enumerate(pairs):
        mask = square_of(whole.astype(bool))
        values = values_on_mask(heatmap, mask)
        if values is None or mask.all() or not mask.any():
            continue
        parts = (values[~mask], values[mask])
        counts += [np.histogram(part, bins=BINS, range=(0, 1))[0] for part in parts]
        moments.append([(part.size, part.sum(), (part**2).sum()) for part in parts])
        counted.append(pair)
    if not counted:
        raise ValueError("No image has both a map and a mask that covers part of it.")
    names = [lesions[index] for index in counted] if lesions is not None else counted
    return _alignment(counts, np.array(moments, np.float64), pair + 1 - len(counted), names, resamples)


def _alignment(
    counts: Floats, moments: Floats, skipped: int, lesions: Sequence[Any], resamples: int | None
) -> Alignment:
    """`counts` (2, BINS) and `moments` (N, 2, 3): outside first, then inside."""
    densities = counts / counts.sum(axis=1, keepdims=True) * BINS
    sizes, sums, squares = moments.sum(axis=0).T
    means = sums / sizes
    deviations = np.sqrt(np.maximum(squares / sizes - means**2, 0))
    outside, inside = (moments[:, :, 2] / moments[:, :, 0]).T
    energies = Energies(inside, outside).by_lesion(lesions)
    z = z_score(energies.difference)
    return Alignment(
        images=len(moments),
        skipped=skipped,
        inside=tuple(densities[1].tolist()),
        outside=tuple(densities[0].tolist()),
        mean_inside=float(means[1]),
        sd_inside=float(deviations[1]),
        mean_outside=float(means[0]),
        sd_outside=float(deviations[0]),
        intersection=intersection_area(densities[1], densities[0]),
        energy_inside=float(inside.mean()),
        energy_outside=float(outside.mean()),
        cohens_d=cohens_d(energies),
        z=z,
        p=two_sided(z),
        ratio=Bootstrap(lesions, resamples).interval(_ratio, moments),
    )


def _ratio(moments: Floats, weights: Floats) -> Floats:
    """Mean inside over mean outside for each row of weights (R, N); NaN if everything outside is 0."""
    sizes, sums = weights @ moments[:, :, 0], weights @ moments[:, :, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        outside, inside = (sums / sizes).T
        ratio: Floats = np.where(outside > 0, inside / outside, np.nan)
    return ratio


def intersection_area(first: Floats, second: Floats) -> float:
    """Area under the lower of two densities over the bins of [0, 1]: 0 to 1."""
    return float(np.minimum(first, second).sum() / len(first))


def cohens_d(energies: Energies) -> float | None:
    """Difference of the means over the pooled standard deviation (Cohen 1988); None if undefined."""
    if len(energies.inside) < 2:
        return None
    pooled = float(np.sqrt((energies.inside.var(ddof=1) + energies.outside.var(ddof=1)) / 2))
    return float((energies.inside.mean() - energies.outside.mean()) / pooled) if pooled > 0 else None


def z_score(differences: Floats) -> float | None:
    """Mean of (N,) differences over its standard error; None if fewer than two, or all the same."""
    if len(differences) < 2:
        return None
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    return float(differences.mean()) / error if error > 0 else None


def z_between(first: Floats, second: Floats) -> float | None:
    """The difference of two independent means over its standard error; None with fewer than two on a side."""
    if min(len(first), len(second)) < 2:
        return None
    error = float(np.sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second)))
    return float(first.mean() - second.mean()) / error if error > 0 else None


def two_sided(z: float | None) -> float | None:
    """The chance of so large a |z| where nothing differs."""
    return None if z is None else float(2 * norm.sf(abs(z)))


def table(rows: Mapping[str, Alignment]) -> dict[str, dict[str, Any]]:
    """The rows, ready for JSON, each p also corrected for the number of tests.

    Bonferroni bounds the chance of any false finding, Benjamini and Hochberg (1995) the share of false findings.
    """
    tested = [name for name, row in rows.items() if row.p is not None]
    p = np.array([row.p for row in rows.values() if row.p is not None], np.float64)
    bonferroni = dict(zip(tested, np.minimum(p * len(p), 1).tolist(), strict=True))
    adjusted = dict(zip(tested, false_discovery_control(p).tolist() if len(p) else [], strict=True))
    return {
        name: {
            **asdict(row),
            "p_bonferroni": bonferroni.get(name),
            "p_benjamini_hochberg": adjusted.get(name),
        }
        for name, row in rows.items()
    }

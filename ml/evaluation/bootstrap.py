"""95 % intervals over lesions, not images: several images of one lesion are not independent evidence."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ml.evaluation.metrics import Floats

RESAMPLES: Final = 1000
_CHUNK: Final = 100  # resamples at a time, so that memory stays small

Estimate = dict[str, float | None]


class Bootstrap:
    """Resamples lesions with replacement, each with all its images; every figure sees the same resamples.

    A figure takes its own arguments and weights (R, N) and returns (R,), like those in `ml.evaluation.metrics`.
    """

    def __init__(self, groups: Sequence[Any] | npt.NDArray[Any], resamples: int | None = None, seed: int = 1) -> None:
        """`groups`: the lesion of each of N images."""
        lesions, self._lesion = np.unique(np.asarray(groups), return_inverse=True)
        chances = np.full(len(lesions), 1 / max(len(lesions), 1))
        generator = np.random.default_rng(seed)
        self._draws = generator.multinomial(len(lesions), chances, size=resamples or RESAMPLES).astype(np.uint16)

    def interval(self, figure: Callable[..., Floats], *arguments: Any) -> Estimate:
        """{value, low, high} of `figure(*arguments, weights)`, None where undefined.

        Resamples in which it is undefined are left out.
        """
        (value,) = figure(*arguments, np.ones((1, len(self._lesion))))
        found = self.resampled(figure, *arguments)
        found = found[~np.isnan(found)]
        if np.isnan(value) or not len(found):
            return {"value": None if np.isnan(value) else float(value), "low": None, "high": None}
        low, high = np.percentile(found, [2.5, 97.5])
        return {"value": float(value), "low": float(low), "high": float(high)}

    def resampled(self, figure: Callable[..., Floats], *arguments: Any) -> Floats:
        """`figure` in every resample, (R,), NaN where it is undefined."""
        parts = np.split(self._draws, range(_CHUNK, len(self._draws), _CHUNK))
        return np.concatenate([figure(*arguments, part[:, self._lesion].astype(np.float64)) for part in parts])

"""Out-of-fold figures of the recipe: every lesion judged by the network that never saw it, collection by collection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ml.data.records import DataError
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Flags, Floats
from ml.patterns import LESIONS, Lesion

SENSITIVITY: Final = 0.95
_BCC: Final = LESIONS.index(Lesion.BCC)
_SCC: Final = LESIONS.index(Lesion.SCC)

Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Finding:
    """One yes or no for N images: `scores` (N,) log-odds, `present` (N,), whose lesion, and which fold's network."""

    collection: Names
    group: Names
    fold: npt.NDArray[np.int64]
    scores: Floats
    present: Flags

    def of(self, rows: Flags) -> Self:
        return type(self)(**{name: column[rows] for name, column in vars(self).items()})

    def by_collection(self) -> dict[str, Flags]:
        """Which rows are of which collection."""
        return {str(name): self.collection == name for name in np.unique(self.collection)}


@dataclass(frozen=True)
class OutOfFold:
    """N images of several collections: `scores` (N,) for BCC, `lesion` (N, 9) log-probabilities, `truth` (N,) indices
    into `LESIONS`, and `fold` (N,) of the network that gave them."""

    collection: Names
    image_id: Names
    group: Names
    truth: npt.NDArray[np.int64]
    scores: Floats
    lesion: Floats
    fold: npt.NDArray[np.int64]

    @classmethod
    def read(cls, folders: Sequence[Path], views: int, dropped: frozenset[str] = frozenset()) -> Self:
        """The predictions of these fold folders, the mean of the first `views` views, without the images `dropped`.

        Raises `DataError`.
        """
        parts = [_fold(folder, views) for folder in folders]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        kept = ~np.isin(joined["image_id"], sorted(dropped))
        return cls(**{name: column[kept] for name, column in joined.items()})

    def of(self, rows: Flags) -> Self:
        return type(self)(**{name: column[rows] for name, column in vars(self).items()})

    @property
    def bcc(self) -> Flags:
        found: Flags = self.truth == _BCC
        return found

    def finding(self, kind: Lesion) -> Finding:
        """BCC by both heads, any other type by its share among the nine."""
        index = LESIONS.index(kind)
        scores = self.scores if kind is Lesion.BCC else _odds(self.lesion[:, index])
        return Finding(self.collection, self.group, self.fold, scores, self.truth == index)


def _fold(folder: Path, views: int) -> dict[str, Any]:
    file = folder / "predictions.npz"
    try:
        with np.load(file) as found:
            logits = found["logits"][:, :views].astype(np.float64)
            names = {name: found[name] for name in ("collection", "image_id", "group")}
            truth = np.array([LESIONS.index(Lesion(name)) for name in found["diagnosis"].tolist()])
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{file} holds no predictions of a fold: {error}") from error
    number = int(folder.name.rsplit("-", 1)[-1])
    return {
        **names,
        "truth": truth,
        "scores": bcc_score(logits),
        "lesion": _log_softmax(logits[..., 1:]).mean(axis=1),
        "fold": np.full(len(truth), number),
    }


def bcc_score(logits: Floats) -> Floats:
    """(N, V, 10) → (N,): the BCC head's logit and the lesion head's log-odds of BCC, averaged over heads and views."""
    odds = _odds(_log_softmax(logits[..., 1:])[..., _BCC])
    score: Floats = ((logits[..., 0] + odds) / 2).mean(axis=1)
    return score


def _odds(log_probability: Floats) -> Floats:
    found: Floats = log_probability - np.log(np.maximum(-np.expm1(log_probability), 1e-9))
    return found


def _log_softmax(logits: Floats) -> Floats:
    highest = logits.max(axis=-1, keepdims=True)
    shifted: Floats = logits - highest - np.log(np.exp(logits - highest).sum(axis=-1, keepdims=True))
    return shifted


def figures(found: OutOfFold, resamples: int | None = None) -> dict[str, dict[str, Estimate]]:
    """For each collection: name of a figure → {value, low, high}, 95 % bootstrap intervals over lesions."""
    return {name: _figures(found.of(found.collection == name), resamples) for name in np.unique(found.collection)}


def _figures(found: OutOfFold, resamples: int | None) -> dict[str, Estimate]:
    bootstrap, scores, bcc = Bootstrap(found.group, resamples), found.scores, found.bcc
    either = bcc | (found.truth == _SCC)
    guesses = found.lesion.argmax(axis=1)
    kinds = np.unique(found.truth)
    rows = {
        "BCC: AUC": bootstrap.interval(metrics.roc_auc, scores, bcc),
        f"BCC: specificity at sensitivity {SENSITIVITY:g}": bootstrap.interval(
            metrics.specificity_at, SENSITIVITY, scores, bcc
        ),
        "lesion type: accuracy": bootstrap.interval(metrics.share, guesses == found.truth, np.ones(len(bcc), np.bool_)),
        "lesion type: macro-F1": bootstrap.interval(_macro_f1, guesses, found.truth, kinds),
    }
    if not bcc[either].all():
        rows["BCC against SCC: AUC"] = bootstrap.interval(
            lambda weights: metrics.roc_auc(scores[either], bcc[either], weights[:, either])
        )
    return rows


def _macro_f1(guesses: npt.NDArray[np.int64], truth: npt.NDArray[np.int64], kinds: Any, weights: Floats) -> Floats:
    """Over the types that the collection has."""
    each = np.stack([metrics.f1(guesses == kind, truth == kind, weights) for kind in kinds])
    mean: Floats = np.nan_to_num(each).mean(axis=0)
    return mean


def over_folds(found: OutOfFold) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """The same figures fold by fold: collection → figure → a value a fold, without intervals."""
    table: dict[str, dict[str, list[float]]] = {}
    for number in np.unique(found.fold):
        for name, rows in figures(found.of(found.fold == number), resamples=1).items():
            for figure, estimate in rows.items():
                value = estimate["value"]
                table.setdefault(name, {}).setdefault(figure, []).append(float("nan") if value is None else value)
    return table

"""Dawid–Skene: estimate the true classes and each rater's error rates from disagreeing raters, by EM.

Source: A. P. Dawid and A. M. Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm,
Applied Statistics 28 (1979) 20–28; equation numbers below are theirs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]

NO_LABEL = -1
SMALLEST = 1e-300
TIE = 1e-5  # EM has converged to less than that


@dataclass(frozen=True)
class Consensus:
    """The consensus on n items by R raters over K classes.

    ``posterior`` (n, K): rows sum to one; an unrated item has the prevalence. ``labels`` (n,): the most probable class,
    -1 for an unrated item and for a tie. ``confusion`` (R, K, K) is [rater, true class, given class]: rows
    sum to one, and are uniform where there is no evidence. ``log_likelihood`` (iterations,) never decreases. ``notes``
    says in words what limits the result.
    """

    posterior: Floats
    labels: npt.NDArray[np.int64]
    confusion: Floats
    prevalence: Floats
    log_likelihood: Floats
    converged: bool
    notes: tuple[str, ...] = ()

    @property
    def iterations(self) -> int:
        return len(self.log_likelihood)


def counts_of(ratings: Integers, classes: int) -> npt.NDArray[np.int64]:
    """How often each rater gave each class: (n, R, K) from ratings (n, R), or (n, R, T) with repeats; -1 is missing.

    Raises ValueError for a rating outside -1..classes - 1.
    """
    ratings = np.asarray(ratings)
    if ratings.ndim not in (2, 3):
        raise ValueError(f"Ratings have the shape (items, raters) or (items, raters, repeats), not {ratings.shape}.")
    if ratings.size and not -1 <= ratings.min() <= ratings.max() < classes:
        raise ValueError(f"A rating is -1 (missing) or a class from 0 to {classes - 1}.")
    repeats = ratings[..., None] if ratings.ndim == 2 else ratings
    return (repeats[..., None] == np.arange(classes)).sum(axis=2)


def dawid_skene(counts: Integers, *, tolerance: float = 1e-6, max_iterations: int = 2000) -> Consensus:
    """Run EM, starting from the raters' average votes (3.1), until no parameter changes by more than ``tolerance``.

    ``counts`` (n, R, K): how often rater r gave item i class k; an all-zero row is a missing rating. Items with equal
    ratings are computed once, to save time. Raises ValueError for another shape, a negative count, fewer than two
    classes or no rating at all.
    """
    counts = np.asarray(counts)
    _check(counts)
    raters, classes = counts.shape[1:]
    distinct, kind_of_item, frequency = _kinds(counts.reshape(len(counts), raters * classes))
    kinds, rated = distinct.astype(np.float64), distinct.any(axis=1)
    weight = frequency * rated
    votes = kinds.reshape(-1, raters, classes).sum(axis=1)
    posterior = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    history: list[float] = []
    parameters = np.zeros(0)
    converged = False
    while len(history) < max_iterations and not converged:
        prevalence, confusion = _maximise(kinds, posterior, weight, raters)
        posterior, log_likelihood = _expect(kinds, prevalence, confusion)
        history.append(float(log_likelihood @ weight))
        before, parameters = parameters, np.concatenate([prevalence, confusion.ravel()])
        converged = before.size > 0 and bool(np.abs(parameters - before).max() < tolerance)
    first, second = np.sort(posterior, axis=1)[:, :-3:-1].T
    tied = rated & (first - second < TIE)
    labels = np.where(rated & ~tied, posterior.argmax(axis=1), NO_LABEL)
    return Consensus(
        posterior[kind_of_item],
        labels[kind_of_item],
        confusion,
        prevalence,
        np.array(history),
        converged,
        _notes(counts, converged, int(frequency[tied].sum())),
    )


def _check(counts: Integers) -> None:
    if counts.ndim != 3 or counts.shape[2] < 2:
        raise ValueError(f"Counts have the shape (items, raters, at least 2 classes), not {counts.shape}.")
    if counts.size and counts.min() < 0:
        raise ValueError("A count is negative.")
    if not counts.any():
        raise ValueError("There is no rating at all.")


def _kinds(rows: Integers) -> tuple[Integers, Integers, Integers]:
    """The distinct rows, the index of each row among them, and how often each occurs."""
    packed = np.ascontiguousarray(rows.astype(np.min_scalar_type(int(rows.max()))))
    keys = packed.view(np.dtype((np.void, packed.shape[1] * packed.itemsize))).ravel()
    _, first, kind_of_row, frequency = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return rows[first], kind_of_row, frequency


def _maximise(kinds: Floats, posterior: Floats, weight: Integers, raters: int) -> tuple[Floats, Floats]:
    """M step: prevalence (2.4) and error rates (2.3); unrated items have no weight."""
    weighted = posterior * weight[:, None]
    classes = posterior.shape[1]
    given = (weighted.T @ kinds).reshape(classes, raters, classes).transpose(1, 0, 2)
    total = given.sum(axis=2, keepdims=True)
    confusion = np.where(total > 0, given / np.where(total > 0, total, 1), 1 / classes)
    return weighted.sum(axis=0) / weight.sum(), confusion


def _expect(kinds: Floats, prevalence: Floats, confusion: Floats) -> tuple[Floats, Floats]:
    """E step (2.5), in logarithms: the posterior and the log-likelihood (2.7) of each kind."""
    raters, classes = confusion.shape[:2]
    rates = np.log(np.maximum(confusion, SMALLEST)).transpose(1, 0, 2).reshape(classes, raters * classes)
    prior = np.where(prevalence > 0, np.log(np.maximum(prevalence, SMALLEST)), -np.inf)
    joint = prior + kinds @ rates.T
    highest = joint.max(axis=1, keepdims=True)
    relative = np.exp(joint - highest)
    total = relative.sum(axis=1, keepdims=True)
    return relative / total, (highest + np.log(total))[:, 0]


def _notes(counts: Integers, converged: bool, tied: int) -> tuple[str, ...]:
    notes = []
    active = int(counts.any(axis=(0, 2)).sum())
    if active == 1:
        notes.append("One rater: the result repeats that rater, whose error rates cannot be estimated.")
    elif active == 2:
        notes.append("Two raters: their error rates are not identifiable; the result follows their average vote.")
    unused = [str(index) for index in np.flatnonzero(~counts.any(axis=(0, 1)))]
    if unused:
        notes.append(f"No rater used class {', '.join(unused)}: its prevalence is 0.")
    unrated = int((~counts.any(axis=(1, 2))).sum())
    if unrated:
        notes.append(f"{unrated} items without a rating: their posterior is the prevalence, without a label.")
    if tied:
        notes.append(f"{tied} undecided: the most probable classes are equally probable, so there is no label.")
    if not converged:
        notes.append("EM stopped at the iteration limit before converging.")
    return tuple(notes)

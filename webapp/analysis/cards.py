"""A model version's card, read by the model's own code, for pages that explain what the model is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.patterns import Lesion
from webapp.triage import concern

if TYPE_CHECKING:
    from ml.card import Target
    from webapp.models import Analysis, ModelVersion


def target(version: ModelVersion | None, code: str) -> Target | None:
    """The card's entry on a finding; None if it has none, or is of an earlier format."""
    from ml.card import Target, with_current_keys  # imported on first use, so that the web process starts fast

    try:
        return Target.from_json(with_current_keys(version.target(code))) if version is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def at_centre_rate(analysis: Analysis, rate: float | None) -> float | None:
    """P(BCC), 0 to 1, where the share ``rate`` of the images show a BCC, instead of the share on the model's card.

    For display only: operating points and the worklist go by the probability as the model gives it. None without a
    rate or a probability, and for a card that doesn't say what share its probability was fitted on.
    """
    from ml.card import at_prior

    probability = concern.probabilities(analysis).get(Lesion.BCC)
    known = target(analysis.model_version, Lesion.BCC.target)
    if rate is None or probability is None or known is None:
        return None
    return float(at_prior(probability, known.prior, rate))

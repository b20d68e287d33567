"""The gate's threshold, so that each collection of dermoscopic images keeps the promise, not their mean."""

from typing import Final

from ml.card import Gate
from ml.data.collections import HAM, MILK
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Floats
from ml.evaluation.outputs import Outputs
from ml.patterns import Modality
from ml.training.modality import FALSE_ALARMS, MODALITIES, probabilities, threshold

METHOD: Final = (
    "logistic regression on the means of six stages; learnt from both photographs of MILK10k's lesions, HAM10000, "
    "phantoms and pictures of anything else, all shrunk to the size of the close-ups. The threshold sends at most "
    f"{FALSE_ALARMS:.0%} of the dermoscopic images of HAM10000, and of those of MILK10k, to a person (out of fold)"
)


def dermoscopic(found: Outputs) -> Floats:
    """(N,) probability that a picture is dermoscopic."""
    column: Floats = probabilities(found.modality_logits)[:, MODALITIES.index(Modality.DERMOSCOPIC)]
    return column


def choose_gate(found: Outputs) -> Gate:
    """The lower of the thresholds that HAM10000 and MILK10k allow."""
    each = [found.from_sources(name) for name in (HAM, MILK)]
    return Gate(min(threshold(dermoscopic(one)) for one in each if len(one.name)), METHOD)


def sent_to_a_person(gate: Gate, found: Outputs) -> dict[str, Estimate]:
    """Source → the share of its pictures that the gate sends to a person, with intervals over lesions."""
    sent, bootstrap = dermoscopic(found) < gate.threshold, Bootstrap(found.group)
    names = sorted(set(found.source.tolist()))
    return {name: bootstrap.interval(metrics.share, sent, found.source == name) for name in names}

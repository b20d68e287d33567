"""The gate's threshold, so that each collection of dermoscopic images keeps the promise, not their mean."""

from typing import Final

from ml.card import Gate
from ml.evaluation.gate import DERMOSCOPIC, dermoscopic
from ml.evaluation.outputs import Outputs
from ml.training.modality import FALSE_ALARMS, threshold

METHOD: Final = (
    "logistic regression on the means of six stages; learnt from both photographs of MILK10k's lesions, HAM10000, "
    "phantoms and pictures of anything else, all shrunk to the size of the close-ups, the dermoscopic ones also as "
    "they come. The threshold sends at most "
    f"{FALSE_ALARMS:.0%} of the dermoscopic images of HAM10000, and of those of MILK10k, to a person (out of fold)"
)


def choose_gate(found: Outputs) -> Gate:
    """The lower of the thresholds that the collections allow."""
    each = [found.from_sources(name) for name in DERMOSCOPIC]
    return Gate(min(threshold(dermoscopic(one)) for one in each if len(one.name)), METHOD)

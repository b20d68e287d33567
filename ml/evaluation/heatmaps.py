"""Table 4 with data: Grad-CAM against experts' masks, lesion masks and the exact outlines of unseen phantoms."""

from collections.abc import Iterator
from typing import Any, Final

from ml.card import BCC, Card
from ml.data.mixture import Sources
from ml.evaluation.alignment import Alignment, Pair, align, table
from ml.evaluation.answers import Answers
from ml.evaluation.patterns import DrawnAnswers
from ml.patterns import Pattern

EXPERTS: Final = "experts' masks"
LESIONS: Final = "lesion masks"
PHANTOMS: Final = "phantoms"
_COVERED: Final = 127  # of 255: a cell belongs to the mask when half of it does


def row_name(code: str, masks: str) -> str:
    """The key of a row: a target's code and the masks it was compared with."""
    return f"{code}, {masks}"


def heatmaps(answers: Answers, sources: Sources, card: Card, resamples: int | None = None) -> dict[str, dict[str, Any]]:
    """Rows of `ml.evaluation.alignment.table` by `row_name`; one without a usable pair of map and mask is left out.

    Every image that truly shows the target counts, whether the model found it there or not.
    """
    rows = {row_name(BCC, LESIONS): _on_lesions(answers, sources, resamples)}
    if answers.structures is not None:
        rows[row_name(Pattern.PN, EXPERTS)] = _on_networks(answers, sources, card, resamples)
    if answers.phantoms is not None:
        for pattern in card.patterns:
            rows[row_name(pattern, PHANTOMS)] = _on_outlines(answers.phantoms, card, pattern, resamples)
    return table({name: row for name, row in rows.items() if row is not None})


def _on_lesions(answers: Answers, sources: Sources, resamples: int | None) -> Alignment | None:
    known = answers.ham
    chosen = [(record, cam[0]) for record, cam in zip(known.records, known.cams, strict=True) if record.bcc]
    pairs = ((cam, sources.ham.mask(record)) for record, cam in chosen)
    return _aligned(pairs, [record.group for record, _ in chosen], resamples)


def _on_networks(answers: Answers, sources: Sources, card: Card, resamples: int | None) -> Alignment | None:
    known, marked = answers.structures, sources.structures
    if known is None or marked is None:
        return None
    channel = 1 + card.patterns.index(Pattern.PN)
    shown = zip(known.records, known.cams[:, channel], strict=True)
    chosen = [(record, cam) for record, cam in shown if marked.pigment_network(record)]
    pairs = ((cam, marked.network_mask(record)) for record, cam in chosen)
    return _aligned(pairs, [record.group for record, _ in chosen], resamples)


def _on_outlines(answers: DrawnAnswers, card: Card, pattern: Pattern, resamples: int | None) -> Alignment | None:
    cams, masks = (
        answers.cams[:, 1 + card.patterns.index(pattern)],
        answers.drawn.masks[:, list(Pattern).index(pattern)],
    )
    shown = answers.labels(pattern) == 1
    pairs = ((cam, mask > _COVERED) for cam, mask in zip(cams[shown], masks[shown], strict=True))
    return _aligned(pairs, None, resamples)


def _aligned(pairs: Iterator[Pair], lesions: list[str] | None, resamples: int | None) -> Alignment | None:
    try:
        return align(pairs, lesions, resamples)
    except ValueError:  # not one usable pair
        return None

"""Table 4 of Matas et al., arXiv 2407.00104: Grad-CAM inside and outside the masks, pattern by pattern.

The masks are the experts' (pigment network), those of lesions (BCC) and the exact outlines of new phantoms (all seven).
The statistics of one row are in `ml.evaluation.alignment`.
"""

from collections.abc import Iterator
from typing import Any, Final

from ml.card import BCC, Card
from ml.data.mixture import Sources
from ml.evaluation.alignment import Alignment, Pair, align, table
from ml.evaluation.held_out import HeldOut
from ml.evaluation.predictions import DrawnPredictions
from ml.patterns import Pattern

EXPERTS: Final = "experts' masks"
LESIONS: Final = "lesion masks"
PHANTOMS: Final = "phantoms"
_COVERED: Final = 127  # of 255: a cell belongs to the mask if half of it is covered


def row_name(code: str, masks: str) -> str:
    """The key of a row: a target's code and the masks it was compared with."""
    return f"{code}, {masks}"


def heatmaps(
    held_out: HeldOut, sources: Sources, card: Card, resamples: int | None = None
) -> dict[str, dict[str, Any]]:
    """Rows of `ml.evaluation.alignment.table` by `row_name`; a row without a usable pair of map and mask is left out.

    Every image that truly shows the target counts, whether or not the model found it.
    """
    rows = {row_name(BCC, LESIONS): _on_lesions(held_out, sources, resamples)}
    if held_out.structures is not None:
        rows[row_name(Pattern.PN, EXPERTS)] = _on_networks(held_out, sources, card, resamples)
    if held_out.phantoms is not None:
        for pattern in card.patterns:
            rows[row_name(pattern, PHANTOMS)] = _on_outlines(held_out.phantoms, card, pattern, resamples)
    return table({name: row for name, row in rows.items() if row is not None})


def _on_lesions(held_out: HeldOut, sources: Sources, resamples: int | None) -> Alignment | None:
    known = held_out.ham
    chosen = [(record, cam[0]) for record, cam in zip(known.records, known.cams, strict=True) if record.bcc]
    pairs = ((cam, sources.ham.mask(record)) for record, cam in chosen)
    return _aligned(pairs, [record.group for record, _ in chosen], resamples)


def _on_networks(held_out: HeldOut, sources: Sources, card: Card, resamples: int | None) -> Alignment | None:
    known, marked = held_out.structures, sources.structures
    if known is None or marked is None:
        return None
    channel = 1 + card.patterns.index(Pattern.PN)
    shown = zip(known.records, known.cams[:, channel], strict=True)
    chosen = [(record, cam) for record, cam in shown if marked.pigment_network(record)]
    pairs = ((cam, marked.network_mask(record)) for record, cam in chosen)
    return _aligned(pairs, [record.group for record, _ in chosen], resamples)


def _on_outlines(known: DrawnPredictions, card: Card, pattern: Pattern, resamples: int | None) -> Alignment | None:
    cams, masks = (
        known.cams[:, 1 + card.patterns.index(pattern)],
        known.drawn.masks[:, list(Pattern).index(pattern)],
    )
    shown = known.labels(pattern) == 1
    pairs = ((cam, mask > _COVERED) for cam, mask in zip(cams[shown], masks[shown], strict=True))
    return _aligned(pairs, None, resamples)


def _aligned(pairs: Iterator[Pair], lesions: list[str] | None, resamples: int | None) -> Alignment | None:
    try:
        return align(pairs, lesions, resamples)
    except ValueError:  # not one usable pair
        return None

"""The training mixture: images from several sources, each teaching only the heads it has labels for.

- HAM10000: BCC and lesion type. By the clinical rule a non-BCC shows none of the six BCC patterns; a BCC shows no
  pigment network and at least one of the six (`ml.training.losses.any_of_loss`).
- ISIC 2018 Task 2: lesion type, never BCC, and pigment network as marked by experts, with masks.
- Drawings: phantoms and grafts, with each painted pattern and its mask; for phantoms also BCC, by the rule.
- Other clinics at 84 pixels: BCC and lesion type. Some HAM10000 views are reduced to that size too, and BCC is equally
  frequent in both, or the network would learn that blur means BCC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from ml.data.examples import LESIONS, PATTERNS, PN, SIX, Examples, read_pixels
from ml.data.ham10000 import Ham10000
from ml.data.isic2019 import Isic2019LowResolution
from ml.data.records import DataError, Photographs, Record
from ml.data.splits import Split, split_by_lesion
from ml.data.synthetic import MASK_SIDE, Drawn, drawings
from ml.data.task2 import Isic2018Task2
from ml.imaging.preprocessing import PreprocessingSpec

# The share of each source in an epoch. If one is missing, the others keep their proportions.
SHARES: Final[Mapping[str, float]] = {"ham": 0.5, "structures": 0.15, "drawn": 0.2, "clinics": 0.15}
BLURRED: Final = 0.25
# A network covering less than this share of the analysed square counts as neither present nor absent.
_TRACE: Final = 0.005


@dataclass(frozen=True)
class Sources:
    """The data sets at hand. With `structures` the seven patterns are learnt too, which also needs drawings."""

    ham: Ham10000
    structures: Isic2018Task2 | None = None
    clinics: Isic2019LowResolution | None = None


Parts = dict[str, Examples]


@dataclass(frozen=True)
class Portion:
    """Which lesions: one split of the data, as dealt by `seed` and rotated to `fold`."""

    split: Split
    seed: int
    fold: int = 0

    def of(self, records: Sequence[Record]) -> list[Record]:
        return split_by_lesion(records, self.seed, self.fold)[self.split]


def load(sources: Sources, portion: Portion, spec: PreprocessingSpec, folder: Path, count: int) -> Parts:
    """A portion of every source, with `count` drawings, which are cached in `folder`. Raises `DataError`."""
    records = portion.of(sources.ham.records)
    if len({record.bcc for record in records}) < 2:
        raise DataError("A split lacks BCC or lacks anything else: the data set has too few lesions.")
    parts = {"ham": photographs(sources.ham, records, spec)}
    if sources.structures is not None:
        parts["ham"] = by_the_rule(parts["ham"])
        parts["structures"] = structures(sources.structures, portion.of(sources.structures.records), spec)
        parts["drawn"] = of_drawn(drawings(portion.split, sources.ham, records, count, spec, folder))
    if sources.clinics is not None:
        parts["clinics"] = photographs(sources.clinics, portion.of(sources.clinics.records), spec)
    return parts


def mixed(parts: Parts, balance: float) -> Examples:
    """All sources, weighted: each has its share, and rare lesion types are sampled more often."""
    ham = replace(parts["ham"], weight=balanced(parts["ham"].lesion, balance))
    weighted = {**parts, "ham": ham}
    if clinics := parts.get("clinics"):
        weight = with_share_of(balanced(clinics.lesion, balance), clinics.bcc == 1, _share(ham.weight, ham.bcc == 1))
        weighted["clinics"] = replace(clinics, weight=weight)
        weighted["ham"] = replace(ham, blurred=torch.full((len(ham),), BLURRED))
    total = sum(SHARES[name] for name in weighted)
    return Examples.join(
        [
            replace(part, weight=part.weight / part.weight.sum() * SHARES[name] / total)
            for name, part in weighted.items()
        ]
    )


def photographs(data: Photographs, records: Sequence[Record], spec: PreprocessingSpec) -> Examples:
    """Images with a diagnosis."""
    pixels = read_pixels((data.image(record) for record in records), len(records), spec)
    lesion = torch.tensor([LESIONS.index(record.lesion) if record.lesion else -1 for record in records])
    return Examples.of(pixels, bcc=torch.tensor([record.bcc for record in records]), lesion=lesion)


def by_the_rule(examples: Examples) -> Examples:
    """Add what the clinical rule says about the patterns of images with a known diagnosis."""
    patterns, bcc = examples.patterns.clone(), examples.bcc == 1
    patterns[bcc, PN] = 0
    patterns[(examples.bcc == 0)[:, None] & torch.tensor([k in SIX for k in range(len(PATTERNS))])] = 0
    return replace(examples, patterns=patterns, rule=bcc)


def structures(data: Isic2018Task2, records: Sequence[Record], spec: PreprocessingSpec) -> Examples:
    """ISIC 2018 Task 2: no BCC, hence none of the six; pigment network where the analysed square shows it."""
    examples = by_the_rule(photographs(data, records, spec))
    masks = torch.zeros(len(records), len(PATTERNS), MASK_SIDE, MASK_SIDE, dtype=torch.uint8)
    for index, record in enumerate(records):
        masks[index, PN] = torch.from_numpy(data.coverage(record, MASK_SIDE))
    marked = torch.tensor([data.pigment_network(record) for record in records])
    shown = masks[:, PN].float().mean(dim=(1, 2)) / 255 > _TRACE
    patterns = examples.patterns.clone()
    patterns[:, PN] = torch.where(marked == shown, marked.float(), torch.nan)
    return replace(examples, patterns=patterns, masks=masks)


def of_drawn(drawn: Drawn) -> Examples:
    pixels = torch.from_numpy(drawn.pixels).permute(0, 3, 1, 2).contiguous()
    labels = (torch.from_numpy(values) for values in (drawn.bcc, drawn.patterns, drawn.masks))
    bcc, patterns, masks = labels
    return Examples.of(pixels, bcc=bcc, patterns=patterns, masks=masks)


def balanced(lesion: Tensor, balance: float) -> Tensor:
    """(images of the same type)^-balance for (N,) lesion indices: 0 keeps the natural mix, 1 equalises the types."""
    counts = torch.bincount(lesion + 1, minlength=len(LESIONS) + 1).clamp(min=1).float()
    return counts[lesion + 1] ** -balance


def with_share_of(weight: Tensor, chosen: Tensor, share: float) -> Tensor:
    """The weights, rescaled so that those of the chosen (N,) sum to `share` of the whole."""
    return torch.where(chosen, share / weight[chosen].sum(), (1 - share) / weight[~chosen].sum()) * weight


def _share(weight: Tensor, chosen: Tensor) -> float:
    return float(weight[chosen].sum() / weight.sum())

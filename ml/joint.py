"""The second training: all seven patterns beside BCC and lesion type, from a network that knows HAM10000 already.

Three kinds of pictures, each with the labels it has (NaN or -1 where unknown):
- HAM10000: BCC, lesion type; a non-BCC shows none of the six BCC patterns, a BCC no pigment network and, by the
  clinical rule, at least one of the six (`ml.losses.any_of_loss`);
- ISIC 2018 Task 2: pigment network, marked by experts;
- phantoms and grafts: every painted pattern exactly; phantoms also BCC, by the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import torch
from torch import Tensor
from tqdm import tqdm

from ml.datasets import Record
from ml.examples import Examples
from ml.patterns import BCC_PATTERNS, Pattern
from ml.preprocessing import PreprocessingSpec, square
from ml.structures import Isic2018Task2
from ml.synthetic import Drawn

PATTERNS: Final = tuple(Pattern)
SIX: Final = [PATTERNS.index(pattern) for pattern in BCC_PATTERNS]
PN: Final = PATTERNS.index(Pattern.PN)


@dataclass(frozen=True)
class Joint:
    """Pictures of every kind, in the order real, structures, drawn.

    `pixels` (N, 3, S, S) uint8; `bcc` (N,) and `patterns` (N, 7) floats with NaN for unknown; `lesion` (N,) indices or
    -1; `rule` (N,) whether at least one of the six must show; `weight` (N,) how often to draw a picture.
    """

    pixels: Tensor
    bcc: Tensor
    patterns: Tensor
    lesion: Tensor
    rule: Tensor
    weight: Tensor
    spec: PreprocessingSpec

    def __len__(self) -> int:
        return len(self.lesion)

    @classmethod
    def of(cls, parts: Sequence["Joint"], shares: Sequence[float]) -> Self:
        """All of them together, each kind drawn with its share."""
        weights = [part.weight / part.weight.sum() * share for part, share in zip(parts, shares, strict=True)]
        names = ("pixels", "bcc", "patterns", "lesion", "rule")
        joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        return cls(**joined, weight=torch.cat(weights), spec=parts[0].spec)


def real(examples: Examples, balance: float) -> Joint:
    """HAM10000, with what the clinical rule says of its patterns."""
    bcc = examples.bcc.float()
    patterns = torch.full((len(bcc), len(PATTERNS)), torch.nan)
    patterns[bcc == 1, PN] = 0
    patterns[(bcc == 0)[:, None] & torch.tensor([k in SIX for k in range(len(PATTERNS))])] = 0
    counts = torch.bincount(examples.lesion).clamp(min=1).float()
    weight = counts[examples.lesion] ** -balance
    return Joint(examples.pixels, bcc, patterns, examples.lesion, bcc == 1, weight, examples.spec)


def structures(data: Isic2018Task2, records: Sequence[Record], spec: PreprocessingSpec) -> Joint:
    """ISIC 2018 Task 2: pigment network alone."""
    pixels = torch.empty(len(records), 3, spec.size, spec.size, dtype=torch.uint8)
    patterns = torch.full((len(records), len(PATTERNS)), torch.nan)
    for index, record in enumerate(tqdm(records, desc="reading", unit="image", leave=False, mininterval=2)):
        pixels[index] = torch.from_numpy(square(data.image(record), spec).copy()).permute(2, 0, 1)
        patterns[index, PN] = data.pigment_network(record)
    return _without_lesion(pixels, torch.full((len(records),), torch.nan), patterns, spec)


def drawn(part: Drawn, spec: PreprocessingSpec) -> Joint:
    pixels = torch.from_numpy(part.pixels).permute(0, 3, 1, 2).contiguous()
    return _without_lesion(pixels, torch.from_numpy(part.bcc), torch.from_numpy(part.patterns), spec)


def _without_lesion(pixels: Tensor, bcc: Tensor, patterns: Tensor, spec: PreprocessingSpec) -> Joint:
    count = len(pixels)
    unknown = torch.full((count,), -1)
    return Joint(pixels, bcc, patterns, unknown, torch.zeros(count, dtype=torch.bool), torch.ones(count), spec)

"""The field's vocabulary: dermoscopic patterns, lesion types and the clinical rule.

Source: Matas et al., arXiv 2407.00104. Imports nothing heavy: the web process shares this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Pattern(StrEnum):
    """The seven dermoscopic patterns, in the order of the paper's label vector."""

    PN = "PN"
    U = "U"
    ON = "ON"
    MG = "MG"
    ML = "ML"
    SW = "SW"
    AT = "AT"

    @property
    def label(self) -> str:
        return _PATTERN_LABELS[self]

    @property
    def is_negative_criterion(self) -> bool:
        """Pigment network speaks against BCC, the other six for it."""
        return self is Pattern.PN


_PATTERN_LABELS = {
    Pattern.PN: "Pigment network",
    Pattern.U: "Ulceration",
    Pattern.ON: "Ovoid nests",
    Pattern.MG: "Multiglobules",
    Pattern.ML: "Maple leaf-like areas",
    Pattern.SW: "Spoke wheel areas",
    Pattern.AT: "Arborizing telangiectasia",
}

BCC_PATTERNS = tuple(pattern for pattern in Pattern if not pattern.is_negative_criterion)


class Lesion(StrEnum):
    """HAM10000's seven types by its own codes, then squamous cell carcinoma and everything else."""

    AKIEC = "akiec"
    BCC = "bcc"
    BKL = "bkl"
    DF = "df"
    MEL = "mel"
    NV = "nv"
    VASC = "vasc"
    SCC = "scc"
    OTHER = "other"

    @property
    def label(self) -> str:
        return _LESION_LABELS[self]

    @property
    def target(self) -> str:
        """The code under which a card and a result name a malignant type: BCC, SCC, MEL."""
        return self.value.upper()


LESIONS: Final = tuple(Lesion)
"""In the order of the lesion head."""
MALIGNANT: Final = (Lesion.BCC, Lesion.SCC, Lesion.MEL)
"""Lesion types that are cancers. Actinic keratosis is a precancer."""


_LESION_LABELS = {
    Lesion.AKIEC: "Actinic keratosis or Bowen's disease",
    Lesion.BCC: "Basal cell carcinoma",
    Lesion.BKL: "Benign keratosis",
    Lesion.DF: "Dermatofibroma",
    Lesion.MEL: "Melanoma",
    Lesion.NV: "Melanocytic naevus",
    Lesion.VASC: "Vascular lesion",
    Lesion.SCC: "Squamous cell carcinoma",
    Lesion.OTHER: "Another type",
}


class Modality(StrEnum):
    """What kind of photograph an image is."""

    DERMOSCOPIC = "dermoscopic"
    CLINICAL = "clinical"
    OTHER = "other"


class Call(StrEnum):
    """What is said of a finding instead of a number. Likely and possible count as present."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    NOT_SEEN = "not seen"
    # Some BCC structure is seen, but this pattern can't be told from the others.
    NOT_TOLD_APART = "not told apart"


@dataclass(frozen=True)
class Verdict:
    """The clinical rule's verdict on one image; ``bcc`` is None if the assessed patterns do not decide it."""

    bcc: bool | None
    reason: str
    patterns: tuple[Pattern, ...] = ()

    def contradicts(self, bcc: bool) -> bool:
        """Whether the rule decides, and against ``bcc``, the verdict of the probability."""
        return self.bcc is not None and self.bcc != bcc


def clinical_rule(present: Mapping[Pattern, bool | None]) -> Verdict:
    """Apply the paper's rule to patterns that are present, absent, or not assessed (None, or missing).

    Pigment network present: not BCC. Otherwise at least one of the other six: BCC. None of the seven: not BCC.
    """
    if present.get(Pattern.PN):
        return Verdict(False, "Pigment network, a negative criterion, is present.", (Pattern.PN,))
    found = tuple(pattern for pattern in BCC_PATTERNS if present.get(pattern))
    unknown = tuple(pattern for pattern in Pattern if present.get(pattern) is None)
    if found and Pattern.PN not in unknown:
        names = ", ".join(pattern.label.lower() for pattern in found)
        return Verdict(True, f"No pigment network, and of the BCC patterns: {names}.", found)
    if all(present.get(pattern) is False for pattern in BCC_PATTERNS):
        return Verdict(False, "None of the six BCC patterns is present.")
    names = ", ".join(pattern.label.lower() for pattern in unknown)
    return Verdict(None, f"The rule cannot be applied: not assessed: {names}.", found)

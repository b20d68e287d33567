"""Synthetic dermoscopic images for the demonstration: they show no real patient."""

import io
from dataclasses import dataclass

from ml import phantoms
from ml.patterns import Pattern


@dataclass(frozen=True)
class SyntheticImage:
    """PNG bytes with a SYNTHETIC caption, and the phototype (1 to 6) of the drawn skin."""

    data: bytes
    phototype: int


def draw(seed: int, patterns: tuple[str, ...] | None, *, spoil: str = "") -> SyntheticImage:
    """A phantom of the patterns with these codes (none: benign; None: a plausible set); ``spoil``: defocus, dark."""
    phantom = phantoms.generate(
        seed,
        None if patterns is None else [Pattern(code) for code in patterns],
        defocus=spoil == "defocus",
        underexposed=spoil == "dark",
        caption=True,
    )
    buffer = io.BytesIO()
    phantom.image.save(buffer, "PNG")
    return SyntheticImage(buffer.getvalue(), phantom.phototype)

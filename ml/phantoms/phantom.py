"""A whole phantom: skin, lesion, structures, optics."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFilter

from ml.patterns import Pattern, clinical_rule
from ml.phantoms import lesion, optics, scene
from ml.phantoms.fields import Mask, stream
from ml.phantoms.lesion import Tone
from ml.phantoms.skin import skin

PHOTOTYPE_SHARE = (0.16, 0.26, 0.22, 0.16, 0.12, 0.08)
REFERENCE_AREA = 600 * 450
ZOOM = (0.75, 1.3)


@dataclass(frozen=True)
class Phantom:
    """A synthetic dermoscopic image with its ground truth.

    ``masks`` has one (H, W) array per pattern, all False if the pattern is absent. A mask marks the pixels drawn: for
    pigment network the lines, not the holes. ``bcc`` is the clinical rule's verdict on ``patterns``.
    ``phototype`` is Fitzpatrick's, 1..6.
    """

    image: Image.Image = field(repr=False)
    patterns: frozenset[Pattern]
    masks: dict[Pattern, Mask] = field(repr=False)
    lesion_mask: Mask = field(repr=False)
    phototype: int
    bcc: bool
    seed: int
    description: str

    def region(self, pattern: Pattern) -> Mask:
        """The area an expert would outline: the pattern's mask with the gaps closed."""
        return _closed(self.masks[pattern], gap=26 * scale(self.image.size))


def generate(
    seed: int,
    patterns: Iterable[Pattern] | None = None,
    *,
    size: tuple[int, int] = (1024, 768),
    phototype: int | None = None,
    tone: Tone | None = None,
    without: Collection[Pattern] = (),
    hair_count: int | None = None,
    round_field: bool | None = None,
    defocus: bool = False,
    underexposed: bool = False,
    caption: bool = False,
) -> Phantom:
    """Draw the phantom of a seed; the same arguments give the same bytes.

    ``patterns`` None draws a plausible set; an empty one gives a benign lesion. ``size`` is (width, height).
    ``without`` leaves structures undrawn in an otherwise identical scene (the counterfactual of a pattern).
    ``defocus`` and ``underexposed`` spoil the image on purpose. ``caption`` writes SYNTHETIC in a corner.
    Raises ValueError for a negative seed, a side below 64 pixels or a phototype outside 1..6.
    """
    _check(seed, size, phototype)
    chosen = scene.plausible(seed) if patterns is None else frozenset(patterns)
    rng = stream(seed, "scene")
    drawn_type, drawn_round = int(rng.choice(6, p=PHOTOTYPE_SHARE)) + 1, bool(rng.random() < 0.2)
    kind = phototype or drawn_type
    unit = scale(size) * float(rng.uniform(*ZOOM))
    body = tone or scene.fitting_tone(seed, chosen)
    rgb = skin(seed, (size[1], size[0]), unit, kind)
    border = lesion.outline(seed, (size[1], size[0]), unit)
    lesion.paint_body(rgb, seed, unit, border, body)
    masks = scene.paint_structures(rgb, seed, unit, border, chosen, without)
    optics.hairs(rgb, seed, unit, hair_count)
    optics.bubbles(rgb, seed, unit)
    optics.light(rgb, seed, underexposed, drawn_round if round_field is None else round_field)
    image = optics.expose(rgb, seed, unit, defocus)
    if caption:
        optics.caption(image, border.x, border.y)
    shown = chosen - frozenset(without)
    description = f"Synthetic {body} lesion on skin of phototype {kind}: {named(shown)}"
    return Phantom(image, shown, masks, border.level < 1, kind, is_bcc(shown), seed, description)


def scale(size: tuple[int, int]) -> float:
    """Pixels per reference pixel; the reference is a 600 × 450 image of a field about 12 mm wide."""
    return float(np.sqrt(size[0] * size[1] / REFERENCE_AREA))


def is_bcc(patterns: frozenset[Pattern]) -> bool:
    """The clinical rule on a fully known set."""
    return bool(clinical_rule({pattern: pattern in patterns for pattern in Pattern}).bcc)


def named(patterns: frozenset[Pattern]) -> str:
    """The patterns in words."""
    return ", ".join(pattern.label.lower() for pattern in Pattern if pattern in patterns) or "no pattern"


def _check(seed: int, size: tuple[int, int], phototype: int | None) -> None:
    if seed < 0:
        raise ValueError(f"A phantom's seed is not negative: {seed}.")
    if min(size) < 64:
        raise ValueError(f"A phantom is at least 64 pixels wide and high: {size}.")
    if phototype is not None and phototype not in range(1, 7):
        raise ValueError(f"A phototype lies between 1 and 6: {phototype}.")


def _closed(mask: Mask, gap: float) -> Mask:
    """Morphological closing of gaps up to ``gap`` pixels, computed at a quarter of the resolution."""
    height, width = mask.shape
    reach = 2 * round(gap / 8) + 1
    small = Image.fromarray(mask.astype(np.uint8) * 255).reduce(4).point(lambda value: 255 if value > 24 else 0)
    padded = Image.new("L", (small.width + 2 * reach, small.height + 2 * reach))
    padded.paste(small, (reach, reach))
    filled = padded.filter(ImageFilter.MaxFilter(reach)).filter(ImageFilter.MinFilter(reach))
    filled = filled.crop((reach, reach, reach + small.width, reach + small.height))
    return (np.asarray(filled.resize((width, height), Image.Resampling.NEAREST)) > 0) | mask

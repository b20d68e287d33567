"""Choose the structures of a scene and paint each in its own part of the lesion."""

from collections.abc import Collection

import numpy as np

from ml.patterns import BCC_PATTERNS, Pattern
from ml.phantoms import pigment, vascular
from ml.phantoms.fields import Array, Mask, stream
from ml.phantoms.lesion import Outline, Tone

# In drawing order: vessels lie over pigment, crust over everything.
PAINTERS = {
    Pattern.PN: pigment.network,
    Pattern.ON: pigment.nests,
    Pattern.ML: pigment.leaves,
    Pattern.SW: pigment.wheels,
    Pattern.MG: pigment.globules,
    Pattern.AT: vascular.telangiectasia,
    Pattern.U: vascular.ulceration,
}
FREQUENCY = {Pattern.U: 0.35, Pattern.ON: 0.38, Pattern.MG: 0.32, Pattern.ML: 0.28, Pattern.SW: 0.16, Pattern.AT: 0.5}
SIZE = (0.7, 1.15)  # of structures, relative to the field
STRENGTH = (0.72, 1.0)  # of their colour


def plausible(seed: int) -> frozenset[Pattern]:
    """A set of patterns as a clinic might see it: half BCC, a third with network, the rest without a pattern."""
    rng = stream(seed, "patterns")
    draw = rng.random()
    if draw < 0.5:
        found = frozenset(pattern for pattern in BCC_PATTERNS if rng.random() < FREQUENCY[pattern])
        return found or frozenset({BCC_PATTERNS[int(rng.integers(len(BCC_PATTERNS)))]})
    return frozenset({Pattern.PN}) if draw < 0.82 else frozenset()


def fitting_tone(seed: int, patterns: frozenset[Pattern]) -> Tone:
    """Usually the tone that goes with the patterns, sometimes another: colour alone must not give them away."""
    draw = stream(seed, "tone").random()
    if Pattern.PN in patterns:
        return Tone.BROWN
    if patterns:
        return Tone.PINK if draw < 0.85 else Tone.BROWN
    return Tone.BROWN if draw < 0.5 else Tone.WAXY if draw < 0.8 else Tone.PINK


def paint_structures(
    rgb: Array, seed: int, unit: float, border: Outline, chosen: frozenset[Pattern], without: Collection[Pattern] = ()
) -> dict[Pattern, Mask]:
    """Paint the chosen structures, in place, and return a mask of every pattern, empty if it was not painted.

    Patterns in ``without`` keep their place but are not drawn.
    """
    masks = {pattern: np.zeros(border.level.shape, np.bool_) for pattern in Pattern}
    first = stream(seed, "places").uniform(0, 2 * np.pi)
    present = [pattern for pattern in PAINTERS if pattern in chosen]
    for place, pattern in enumerate(present):
        if pattern in without:
            continue
        angle = first + 2 * np.pi * place / len(present)
        rng = stream(seed, pattern)
        size, strength = unit * rng.uniform(*SIZE), np.float32(rng.uniform(*STRENGTH))
        before = rgb.copy()
        masks[pattern] = PAINTERS[pattern](rgb, rng, size, border, angle) > 0.5
        rgb += (before - rgb) * (1 - strength)
    for pattern in masks.keys() - {Pattern.U}:
        masks[pattern] &= ~masks[Pattern.U]  # crust hides what is below it
    return masks

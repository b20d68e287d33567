"""The dermatoscope's field of view: what of an image is skin, what the black around it; in blocks of 8 × 8 pixels."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Grid = npt.NDArray[np.bool_]

BLOCK: Final = 8
# Black surroundings send less light than any skin: a fifth of the brightest grey value, and never above 40 of 255.
_SHARE_OF_BRIGHTEST: Final = 0.2
_BLACK: Final = 40


def blocks(channel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(H, W), multiples of 8, → (H / 8, W / 8, 64): the pixels of each block."""
    rows, columns = channel.shape[0] // BLOCK, channel.shape[1] // BLOCK
    return channel.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows, columns, BLOCK * BLOCK)


def block_medians(channel: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W) → (H / 8, W / 8): thin things such as letters, ticks and hairs fill less than half of a block."""
    medians: npt.NDArray[np.uint8] = np.partition(blocks(channel), BLOCK * BLOCK // 2, axis=2)[..., BLOCK * BLOCK // 2]
    return medians


def field_of_view(rgb: npt.NDArray[np.uint8]) -> Grid:
    """(H, W, 3) → the blocks inside the field of view; all of them where there is no black around it.

    Black counts as surroundings only if it reaches the frame, so a dark lesion inside the field stays in it. Text in
    the surroundings is not part of the field.
    """
    red, green, blue = np.moveaxis(rgb, 2, 0)
    brightness = block_medians(np.maximum(np.maximum(red, green), blue))
    black = brightness < min(_SHARE_OF_BRIGHTEST * float(np.percentile(brightness, 98)), _BLACK)
    frame = np.ones_like(black)
    frame[1:-1, 1:-1] = False
    return _largest(~_grown(black & frame, black))


def inner(field: Grid) -> Grid:
    """The field without its outermost blocks, where its edge would pass for detail; if nothing is left, the field."""
    core = ~_spread(~field)
    return core if core.any() else field


def _largest(grid: Grid) -> Grid:
    """The largest connected part."""
    best = rest = grid
    found = 0
    while rest.sum() > found:
        seed = np.zeros_like(rest)
        seed[np.unravel_index(int(rest.argmax()), rest.shape)] = True
        part = _grown(seed, rest)
        if part.sum() > found:
            best, found = part, int(part.sum())
        rest = rest & ~part
    return best


def _grown(seed: Grid, within: Grid) -> Grid:
    """Everything in `within` that is connected with the seed by edges or corners."""
    while True:
        wider = _spread(seed) & within
        if (wider == seed).all():
            return seed
        seed = wider


def _spread(grid: Grid) -> Grid:
    """The grid and its eight neighbours."""
    wide = grid.copy()
    wide[1:] |= grid[:-1]
    wide[:-1] |= grid[1:]
    tall = wide.copy()
    tall[:, 1:] |= wide[:, :-1]
    tall[:, :-1] |= wide[:, 1:]
    return tall

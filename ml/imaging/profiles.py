"""ICC profiles for files that name their colour space without one, and whether a profile is sRGB in effect."""

import io
import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

_Matrix = npt.NDArray[np.float64]
Point = tuple[float, float]

SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_D50: Final = np.array([0.9642, 1.0, 0.8249])  # the connection space of ICC profiles
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D65: Final = (0.3127, 0.329)
_REC709: Final = (_D65, (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
_GAMMA_TOLERANCE: Final = 0.05
_POINT_TOLERANCE: Final = 0.005
_SAME: Final = 2  # of 255: what rounding in a profile's curves may differ by
_PROBE: Final = np.stack(np.meshgrid(*[np.arange(0, 256, 17, dtype=np.uint8)] * 3), axis=-1).reshape(64, 64, 3)


def adobe_rgb() -> ImageCms.ImageCmsProfile:
    """Adobe RGB (1998), section 4.3: what DCF 2.0 means by the EXIF interoperability index R03."""
    return matrix_profile((_D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 563 / 256)


def png_profile(gamma: float, chromaticities: Sequence[float] | None) -> ImageCms.ImageCmsProfile:
    """Of a PNG's gAMA (the encoding exponent, > 0) and cHRM (x and y of white, red, green, blue).

    A gAMA near 1 / 2.2 with sRGB's primaries means sRGB, whose curve is no power: libpng and browsers take it so.
    """
    points = _REC709 if chromaticities is None else _pairs(chromaticities)
    if abs(gamma * 2.2 - 1) < _GAMMA_TOLERANCE and np.allclose(points, _REC709, atol=_POINT_TOLERANCE):
        return SRGB
    return matrix_profile(points, 1 / gamma)


def matrix_profile(points: Sequence[Point], gamma: float) -> ImageCms.ImageCmsProfile:
    """An RGB display profile; `points`: xy of white, red, green and blue. `gamma`: the decoding exponent, > 0.

    Raises an error of its arguments or of Pillow if they describe no colour space.
    """
    columns = _to_d50(points)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"wtpt": _xyz(_D50), b"desc": _description(), b"cprt": b"text" + bytes(4) + b"none\0\0\0\0"}
    for name, column in zip((b"r", b"g", b"b"), columns.T, strict=True):
        tags |= {name + b"XYZ": _xyz(column), name + b"TRC": curve}
    return ImageCms.ImageCmsProfile(io.BytesIO(_icc(tags)))


def is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """By what it does to colours, whatever its name."""
    probe = Image.fromarray(_PROBE)
    shown = ImageCms.profileToProfile(probe, profile, SRGB, outputMode="RGB")
    return shown is not None and int(np.abs(np.asarray(shown).astype(int) - _PROBE).max()) <= _SAME


def _pairs(values: Sequence[float]) -> list[Point]:
    return list(zip(values[::2], values[1::2], strict=True))


def _to_d50(points: Sequence[Point]) -> _Matrix:
    """XYZ of the primaries as columns, with the white point adapted to D50 by Bradford's method."""
    white, *primaries = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in points)
    mixed = np.stack(primaries, axis=1)
    scaled = mixed * np.linalg.solve(mixed, white)
    adapted = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    matrix: _Matrix = np.linalg.inv(_BRADFORD) @ adapted @ _BRADFORD @ scaled
    return matrix


def _xyz(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values.tolist()))


def _description() -> bytes:
    text = b"declared\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)


def _icc(tags: dict[bytes, bytes]) -> bytes:
    """A version 2 profile (ICC.1:2001-04): header of 128 bytes, table of tags, tags."""
    at, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body

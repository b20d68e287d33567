"""What a file's header promises: whether its bytes can hold that, and how much memory decoding would take.

Both are known before a pixel is decoded. A JPEG that would take more than allowed is decoded at a half, a quarter or an
eighth of its width and height, which its format offers at no loss of time; the other formats offer nothing of the kind.
"""

from typing import Final

from PIL import Image

from ml.imaging import jpeg

MOST_PIXELS_A_BYTE: Final = {
    "JPEG": 512,  # one bit for each 8 × 8 block
    "PNG": 350,  # deflate's 1032 : 1 for three bytes a pixel
    "WEBP": 1000,  # an empty area takes 550, in lossless files nothing at all
}
_SCALES: Final = (1, 2, 4, 8)
_COPIES: Final = {"JPEG": 3, "PNG": 1, "WEBP": 2}  # of the file, while it is parsed
_PIXEL: Final = 4  # bytes, as Pillow keeps any colour
_WEBP_PIXEL: Final = 16  # two canvases, the decoder's buffer, and the result
_KEPT: Final = {"PNG": 2 * _PIXEL, "WEBP": _WEBP_PIXEL}
_FLATTENED: Final = 3 * _PIXEL


class TooMuchMemoryError(ValueError):
    """Decoding would take more than is allowed. The message says how many megapixels this kind of file may have."""


def is_hollow(image: Image.Image, data: bytes) -> bool:
    """Whether the header promises more pixels than so few bytes can hold of a photograph."""
    return image.width * image.height > MOST_PIXELS_A_BYTE[_format(image)] * len(data)


def scale_within(image: Image.Image, data: bytes, memory: int) -> int:
    """By what to divide width and height so that decoding takes `memory` bytes at most. Raises TooMuchMemoryError."""
    scales = _SCALES if _format(image) == "JPEG" else (1,)
    for scale in scales:
        if _needed(image, data, scale) <= memory:
            return scale
    pixels = image.width * image.height
    files = _COPIES[_format(image)] * len(data)
    most = pixels * max(memory - files, 0) / (_needed(image, data, scales[-1]) - files) / 1e6
    kind = "a progressive JPEG" if _format(image) == "JPEG" else image.format
    raise TooMuchMemoryError(
        f"As {kind}, an image of this size may have at most {most:.0f} megapixels; this one has {pixels / 1e6:.0f}. "
        f"Please save it as an ordinary JPEG."
    )


def _format(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else str(image.format)


def _needed(image: Image.Image, data: bytes, scale: int) -> int:
    pixels, files = image.width * image.height, _COPIES[_format(image)] * len(data)
    if _format(image) == "JPEG":
        kept = pixels // scale**2 * _PIXEL
        return max(files + round(pixels * jpeg.buffered_bytes_a_pixel(data)) + kept, len(data) + 2 * kept)
    flattened = image.has_transparency_data or image.mode.startswith("I")
    each = max(_KEPT[_format(image)], _FLATTENED if flattened else 0)
    return files + pixels * each

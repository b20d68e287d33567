"""Untrusted bytes → an upright sRGB image, or a reason that a GP understands.

Whatever is wrong with an uploaded file ends in `UnreadableImage`; no other exception and no warning escapes.
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError

from ml.imaging import cost, jpeg
from ml.imaging.profiles import SRGB, adobe_rgb, is_srgb, png_profile

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MAX_PIXELS: Final = 52_000_000  # telephones of "50 megapixels" take 8192 × 6144
MIN_SIDE: Final = 64

_SIGNATURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
# EXIF orientation → the operation that makes the image upright (EXIF 2.3, tag 0x0112).
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_NO_PROFILE: Final = (ImageCms.PyCMSError, OSError, ValueError, TypeError, ArithmeticError)
_header_lock = threading.Lock()


class Unreadable(StrEnum):
    """Why a file cannot be used; `message` says it in a sentence."""

    EMPTY = "empty"
    WRONG_FORMAT = "wrong_format"
    CORRUPT = "corrupt"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    ANIMATED = "animated"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES: Final = {
    Unreadable.EMPTY: "The file is empty.",
    Unreadable.WRONG_FORMAT: "This is not a JPEG, PNG or WebP image. Please export or save it as one of these.",
    Unreadable.CORRUPT: "The image is damaged or incomplete. Please export or upload it again.",
    Unreadable.UNSUPPORTED: (
        "This kind of JPEG is not supported. Please save it as an ordinary JPEG with 8 bits a channel, or as PNG."
    ),
    Unreadable.TOO_LARGE: "The image has too many pixels. Please save it smaller.",
    Unreadable.TOO_SMALL: "The image is too small to assess.",
    Unreadable.ANIMATED: "The file is an animation. Please upload a single still image.",
}


_OTHER_KINDS: Final = {
    "HEIC": "a HEIC photograph, as iPhones take them. Please share or export it as JPEG. For new photographs choose "
    "Settings, Camera, Formats, Most Compatible.",
    "AVIF": "an AVIF image. Please export it as JPEG or PNG.",
    "DICOM": "a DICOM file. Please export the image from its viewer as JPEG or PNG, without the patient's data.",
    "PDF": "a PDF document. Please send the image itself as JPEG or PNG.",
    "TIFF": "a TIFF image or a camera's raw file. Please export it as JPEG or PNG.",
    "GIF": "a GIF image. Please send the original photograph as JPEG or PNG.",
    "BMP": "a BMP image. Please save it as PNG.",
}
"""What a file is, and the way out, for kinds that people have and that cannot be used."""


class UnreadableImage(ValueError):  # noqa: N818 - a reason, not a fault of the program
    """The file is not a usable image; `reason` is the code, the message (of the reason, or its own) is for people."""

    def __init__(self, reason: Unreadable, message: str = "") -> None:
        super().__init__(message or reason.message)
        self.reason = reason


@dataclass(frozen=True)
class _Exif:
    orientation: object = None
    interoperability: object = None


def decode(
    data: bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
    memory: int | None = None,
    known_whole: bool = False,
) -> Image.Image:
    """Decode a JPEG, PNG or WebP completely: upright, 8-bit RGB in sRGB, transparency over white, no metadata.

    What the header promises is checked before anything is decoded. `memory`: how many bytes decoding may take, the file
    included; a JPEG that would take more is decoded at a half, a quarter or an eighth of its width and height.
    `known_whole`: a seal says that not a byte is missing; a JPEG is otherwise searched for it, which takes twice
    as long as decoding. Raises `UnreadableImage` only.
    """
    if not data:
        raise UnreadableImage(Unreadable.EMPTY)
    try:
        ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library of this program switches it on for the whole process
        return _decoded(data, max_pixels, min_side, memory, known_whole)
    except UnreadableImage:
        raise
    except cost.TooMuchMemoryError as error:
        raise UnreadableImage(Unreadable.TOO_LARGE, str(error)) from None
    except Image.DecompressionBombError:
        raise _too_large(max_pixels) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, zlib.error, ValueError, …
        raise UnreadableImage(Unreadable.CORRUPT) from error


def _decoded(data: bytes, max_pixels: int, min_side: int, memory: int | None, known_whole: bool) -> Image.Image:
    """One name for each step's image, so that no more than two are kept at any time."""
    is_jpeg = data.startswith(_SIGNATURES[0])
    if is_jpeg and not jpeg.is_supported(data):
        raise UnreadableImage(Unreadable.UNSUPPORTED)
    image = _open(data)
    _check_header(image, data, max_pixels, min_side)
    scale = 1 if memory is None else cost.scale_within(image, data, memory)
    if is_jpeg and not known_whole and not jpeg.is_whole(data, scale):
        raise UnreadableImage(Unreadable.CORRUPT)
    jpeg.shrink(image, scale)
    image.load()
    exif = _exif(image)
    profile = _profile(image, exif)
    image = image._new(image.im)  # the same pixels without the file and what its decoder keeps
    image = _upright(image, exif)
    image = _flatten(image)
    image = _to_srgb(image, profile)
    image.info.clear()
    return image


@contextmanager
def _quiet() -> Iterator[None]:
    # `catch_warnings` swaps process-wide state, so threads take turns; only headers are parsed inside.
    with _header_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(data: bytes) -> Image.Image:
    try:
        with _quiet():
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        known = data.startswith(_SIGNATURES[:2]) or (data.startswith(_SIGNATURES[2]) and data[8:12] == b"WEBP")
        if known:
            raise UnreadableImage(Unreadable.CORRUPT) from None
        raise UnreadableImage(Unreadable.WRONG_FORMAT, _way_out(data)) from None


def _way_out(data: bytes) -> str:
    """The message for a file of another kind that is known; empty for any other."""
    known = _OTHER_KINDS.get(_kind(data), "")
    return f"This is not a JPEG, PNG or WebP image but {known}" if known else ""


def _kind(data: bytes) -> str:
    """A key of `_OTHER_KINDS` by the file's first bytes; empty if it is none of them."""
    if data[4:8] == b"ftyp":
        brands = data[8:64]
        return "AVIF" if b"avif" in brands else "HEIC" if any(b in brands for b in (b"heic", b"heix", b"mif1")) else ""
    if data[128:132] == b"DICM":
        return "DICOM"
    signatures = {b"%PDF": "PDF", b"II*\x00": "TIFF", b"MM\x00*": "TIFF", b"GIF8": "GIF", b"BM": "BMP"}
    return next((kind for signature, kind in signatures.items() if data.startswith(signature)), "")


def _check_header(image: Image.Image, data: bytes, max_pixels: int, min_side: int) -> None:
    if image.width * image.height > max_pixels:
        raise _too_large(max_pixels)
    if cost.is_hollow(image, data):
        megapixels = image.width * image.height / 1_000_000
        hollow = f"The file holds far too little for an image of {megapixels:.1f} megapixels. Please export it again."
        raise UnreadableImage(Unreadable.CORRUPT, hollow)
    if min(image.size) < min_side:
        raise UnreadableImage(Unreadable.TOO_SMALL)
    # MPO is a photograph followed by previews, as many phones write it: the first image is the photograph.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnreadableImage(Unreadable.ANIMATED)


def _too_large(max_pixels: int) -> UnreadableImage:
    limit = f"The image has more than {max_pixels / 1_000_000:g} megapixels. Please save it smaller."
    return UnreadableImage(Unreadable.TOO_LARGE, limit)


def _exif(image: Image.Image) -> _Exif:
    try:
        with _quiet():
            exif = image.getexif()
            interoperability = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
            return _Exif(exif.get(ExifTags.Base.Orientation), interoperability)
    except Exception:  # a broken EXIF block is no reason to reject good pixels
        return _Exif()


def _upright(image: Image.Image, exif: _Exif) -> Image.Image:
    orientation = exif.orientation
    operation = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if operation is None else image.transpose(operation)


def _flatten(image: Image.Image) -> Image.Image:
    """Any mode → L, RGB or CMYK, 8 bits a channel, transparency over white."""
    if image.mode.startswith("I"):  # 16-bit grey: `convert` would clip instead of scale
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        flat = Image.new("RGB", rgba.size, "white")
        flat.paste(rgba, mask=rgba)
        return flat
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _profile(image: Image.Image, exif: _Exif) -> ImageCms.ImageCmsProfile | None:
    """What the file says about its colours: by ICC profile, else in its EXIF or PNG chunks; None if nothing usable."""
    try:
        if profile := image.info.get("icc_profile"):
            return ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if str(exif.interoperability).startswith("R03"):
            return adobe_rgb()
        gamma = image.info.get("gamma")
        if image.format != "PNG" or not gamma or "srgb" in image.info:
            return None
        return png_profile(gamma, image.info.get("chromaticity"))
    except _NO_PROFILE:
        return None


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> Image.Image:
    if profile:
        try:
            if image.mode == "L" and profile.profile.xcolor_space.strip() == "RGB":
                image = image.convert("RGB")
            if image.mode != "RGB" or not is_srgb(profile):
                image = ImageCms.profileToProfile(image, profile, SRGB, outputMode="RGB") or image
        except _NO_PROFILE:
            pass  # a broken or mismatched profile: keep the pixels as they are
    return image if image.mode == "RGB" else image.convert("RGB")

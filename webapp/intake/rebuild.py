"""An uploaded file, decoded completely, turned upright and rebuilt from its pixels alone."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from webapp.core.config import Settings
from webapp.models import QualityFlag

if TYPE_CHECKING:
    from PIL.Image import Image

    from ml.imaging.quality import QualityLimits

THUMBNAIL_SIDE = 320


class RefusedImageError(ValueError):
    """The file cannot be used; the message says why in the user's words."""


@dataclass(frozen=True)
class CleanImage:
    """Encoded pixels and nothing else: no EXIF, comment or profile. Upright; sizes in pixels.

    ``sent_anyway``: the GP's reason for sending it despite its ``quality_flags``.
    """

    data: bytes
    thumbnail: bytes
    media_type: str
    width: int
    height: int
    quality_flags: tuple[QualityFlag, ...] = ()
    sent_anyway: str = ""

    @cached_property
    def sha256(self) -> str:
        """The same for the same pixels, whatever the file's metadata."""
        return hashlib.sha256(self.data).hexdigest()


def rebuild(
    data: bytes, settings: Settings, limits: QualityLimits | None = None, *, thumbnail: bool = True
) -> CleanImage:
    """Make a clean image of an uploaded file, with its quality flags. Raises RefusedImageError.

    ``limits``: the model's quality limits, None for the defaults. ``thumbnail``: a third of the work, so skipped where
    the image is only checked.
    """
    if len(data) > settings.max_image_megabytes * 1024 * 1024:
        raise RefusedImageError(f"The file is larger than {settings.max_image_megabytes} MB.")
    from ml.imaging.decoding import (  # imported on first use, so that the web process starts fast
        UnreadableImage,
        decode,
    )
    from ml.imaging.quality import assess

    try:
        image = decode(data, max_pixels=settings.max_image_megapixels * 1_000_000)
    except UnreadableImage as error:
        raise RefusedImageError(str(error)) from None
    lossless = data.startswith(b"\x89PNG")
    return CleanImage(
        data=_encode(image, lossless=lossless),
        thumbnail=_thumbnail(image) if thumbnail else b"",
        media_type="image/png" if lossless else "image/jpeg",
        width=image.width,
        height=image.height,
        quality_flags=tuple(QualityFlag(issue.value) for issue in assess(image, limits).issues),
    )


def _thumbnail(image: Image) -> bytes:
    from PIL.Image import Resampling

    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Resampling.LANCZOS, reducing_gap=1.5)
    return _encode(small, lossless=False, quality=85)


def _encode(image: Image, *, lossless: bool, quality: int = 95) -> bytes:
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, "PNG", compress_level=3)
    else:
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()

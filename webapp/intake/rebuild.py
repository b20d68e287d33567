"""An uploaded file, decoded completely, turned upright and rebuilt from its pixels alone."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.core.config import Settings
from webapp.intake.spill import Spilled
from webapp.models import QualityFlag

if TYPE_CHECKING:
    from PIL.Image import Image

    from ml.imaging.quality import QualityLimits

THUMBNAIL_SIDE = 320
"""Of the small image in lists."""
PREVIEW_SIDE = 1024
"""Of the image that fills a screen until the whole one has come."""
DECODING_BYTES = 224 * 2**20
"""What decoding one image may take, the file included: with the rest of a web process, less than 400 MB."""


class RefusedImageError(ValueError):
    """The file cannot be used; the message says why in the user's words."""


@dataclass(frozen=True)
class CleanImage:
    """Encoded pixels and nothing else: no EXIF, comment or profile. Upright; sizes in pixels.

    ``sha256`` is the same for the same pixels, whatever the file's metadata. ``sent_anyway``: the GP's reason for
    sending it despite its ``quality_flags``.
    """

    encoded: Spilled
    sha256: str
    preview: bytes
    thumbnail: bytes
    media_type: str
    width: int
    height: int
    quality_flags: tuple[QualityFlag, ...] = ()
    sent_anyway: str = ""

    @property
    def data(self) -> bytes:
        return self.encoded.read()


def rebuild(
    data: bytes, settings: Settings, limits: QualityLimits | None = None, *, smaller: bool = True
) -> CleanImage:
    """Make a clean image of an uploaded file, with its quality flags. Raises RefusedImageError.

    ``limits``: the model's quality limits, None for the defaults. ``smaller``: with preview and thumbnail, half of the
    work, so skipped where the image is only checked.
    """
    if len(data) > settings.max_image_bytes:
        raise RefusedImageError(f"The file is larger than {settings.max_image_megabytes} MB.")
    from ml.imaging.decoding import (  # imported on first use, so that the web process starts fast
        UnreadableImage,
        decode,
    )
    from ml.imaging.quality import assess

    try:
        image = decode(data, max_pixels=settings.max_image_megapixels * 1_000_000, memory=DECODING_BYTES)
    except UnreadableImage as error:
        raise RefusedImageError(str(error)) from None
    lossless = data.startswith(b"\x89PNG")
    del data
    preview, thumbnail = _smaller(image) if smaller else (b"", b"")
    encoded = _encode(image, lossless=lossless)
    return CleanImage(
        encoded=Spilled(encoded),
        sha256=hashlib.sha256(encoded).hexdigest(),
        preview=preview,
        thumbnail=thumbnail,
        media_type="image/png" if lossless else "image/jpeg",
        width=image.width,
        height=image.height,
        quality_flags=tuple(QualityFlag(issue.value) for issue in assess(image, limits).issues),
    )


def _smaller(image: Image) -> tuple[bytes, bytes]:
    """Preview and thumbnail as WebP, a third of the bytes of a JPEG that looks the same."""
    from PIL.Image import Resampling

    encoded = []
    for side in (PREVIEW_SIDE, THUMBNAIL_SIDE):
        share = min(1, side / max(image.size))
        size = max(1, round(image.width * share)), max(1, round(image.height * share))
        image = image.resize(size, Resampling.LANCZOS, reducing_gap=1.5)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=80, method=1)
        encoded.append(buffer.getvalue())
    preview, thumbnail = encoded
    return preview, thumbnail


def _encode(image: Image, *, lossless: bool) -> bytes:
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, "PNG", compress_level=3)
    else:
        image.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()

"""What becomes of an uploaded file: decoded completely, made upright, rebuilt from its pixels alone."""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from webapp.config import Settings
from webapp.models import Remark
from webapp.overload import BusyError, too_late

if TYPE_CHECKING:
    from PIL.Image import Image

    from ml.quality import QualityLimits

log = logging.getLogger(__name__)

THUMBNAIL_SIDE = 320
DECODING = threading.BoundedSemaphore(1)
"""One request of a web process decodes images at a time: the largest allowed takes hundreds of megabytes, and two would
keep both of a small machine's cores from the pages.
"""
INSIDE = threading.BoundedSemaphore(4)
"""Those that decode and those that wait for it. Half of the process's threads: pages are served by the others."""
WAIT_SECONDS, CHECK_SECONDS = 30.0, 0.5
"""How long a case that is being sent waits for its place, and how long what is only convenient."""


class RefusedImageError(ValueError):
    """The file cannot be used; the message says why in the user's words."""


@dataclass(frozen=True)
class CleanImage:
    """Encoded pixels and nothing else: no EXIF, no comment, no profile. Sizes in pixels, upright.

    ``remarks`` speak against it; ``sent_anyway`` is why it is sent all the same.
    """

    data: bytes
    thumbnail: bytes
    media_type: str
    width: int
    height: int
    remarks: tuple[Remark, ...] = ()
    sent_anyway: str = ""

    @cached_property
    def sha256(self) -> str:
        """The same for the same pixels, whatever the file said of them."""
        return hashlib.sha256(self.data).hexdigest()


@contextmanager
def admitted(seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """A place for decoding the images of one request, waited for so long.

    Raises BusyError, at once where too many wait already.
    """
    if too_late() or not INSIDE.acquire(blocking=False):
        raise BusyError
    try:
        if not DECODING.acquire(timeout=seconds):
            raise BusyError
        try:
            yield
        finally:
            DECODING.release()
    finally:
        INSIDE.release()


def rebuild(data: bytes, settings: Settings, *, thumbnail: bool = True) -> CleanImage:
    """Make a clean image of an uploaded file, with what speaks against its quality. Raises RefusedImageError.

    ``thumbnail``: false where the image is only judged; it is a third of the work.
    """
    if len(data) > settings.max_image_megabytes * 1024 * 1024:
        raise RefusedImageError(f"The file is larger than {settings.max_image_megabytes} MB.")
    from ml.decoding import UnreadableImage, decode  # with the first upload, so that the web process starts fast
    from ml.quality import assess

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
        remarks=tuple(Remark(issue.value) for issue in assess(image, _limits(settings.model_bundle)).issues),
    )


def _thumbnail(image: Image) -> bytes:
    from PIL.Image import Resampling

    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Resampling.LANCZOS, reducing_gap=1.5)
    return _encode(small, lossless=False, quality=85)


@lru_cache(maxsize=1)
def _limits(bundle: Path | None) -> QualityLimits | None:
    """The limits by which the model will judge; None, the usual ones, where its card cannot be read."""
    from ml.bundle import BundleError, read_card

    try:
        return read_card(bundle).quality
    except BundleError as error:
        log.warning("the usual limits of image quality apply: %s", error)
        return None


def _encode(image: Image, *, lossless: bool, quality: int = 95) -> bytes:
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, "PNG", compress_level=3)
    else:
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()

"""Uploaded images before they join a case: rebuilt, checked for quality, compared with earlier ones."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from webapp.analysis import bundles
from webapp.cases import queries
from webapp.core.config import current_settings
from webapp.core.database import pause
from webapp.intake.gate import CHECK_SECONDS, WAIT_SECONDS, admitted
from webapp.intake.rebuild import CleanImage, RefusedImageError, rebuild
from webapp.models import QualityFlag, User
from webapp.storage.ahead import Ahead
from webapp.storage.store import current_store

File = tuple[str, Callable[[int], bytes]]
"""(name used in messages, what reads up to so many bytes of it): each is read when its turn comes."""


@dataclass(frozen=True)
class StoredImage:
    """A clean image with the keys of what is stored of it, ahead of its row."""

    clean: CleanImage
    byte_size: int
    key: str
    preview_key: str
    thumbnail_key: str
    ahead: Ahead

    @property
    def sha256(self) -> str:
        return self.clean.sha256


class RefusedUploadError(ValueError):
    """One or more files cannot be used; one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class ReasonMissingError(ValueError):
    """An image has quality flags and the GP gave no reason for sending it anyway; one sentence each."""

    def __init__(self, quality_flags: list[str]) -> None:
        super().__init__(" ".join(quality_flags))
        self.quality_flags = quality_flags


class AlreadyThereError(Exception):
    """Every one of the images is in the case already: they were sent before, and the answer got lost."""


def accept(
    user: User, files: Sequence[File], reason: str, token: str = "", there: Collection[str] = ()
) -> list[CleanImage]:
    """Clean images with their quality flags; those that have any get ``reason``, why they are sent anyway.

    ``token``: the submission they belong to; ``there``: SHA-256 of the images that the case has. Raises
    RefusedUploadError, AlreadyThereError, ReasonMissingError or BusyError.
    """
    images = clean_images(files)
    if all(image.sha256 in there for image in images):
        raise AlreadyThereError
    quality_flags = flags_on(user, images, token)
    if any(quality_flags) and not reason:
        raise ReasonMissingError(
            [f"{name}: {sentence(words)}" for (name, _), words in zip(files, quality_flags, strict=True) if words]
        )
    return [
        replace(image, quality_flags=tuple(words), sent_anyway=reason if words else "")
        for image, words in zip(images, quality_flags, strict=True)
    ]


def store(images: Sequence[CleanImage]) -> list[StoredImage]:
    """Encrypt images into the store, before the transaction that names them; those it does not name go again.

    Nothing may have changed so far. Raises StoreAwayError, leaving none of them.
    """
    pause()
    ahead = Ahead(current_store())
    stored = [_put(clean, ahead) for clean in images]
    ahead.expect()
    return stored


def _put(clean: CleanImage, ahead: Ahead) -> StoredImage:
    data = clean.data
    return StoredImage(clean, len(data), ahead.put(data), ahead.put(clean.preview), ahead.put(clean.thumbnail), ahead)


def flags_on(user: User, images: Sequence[CleanImage], token: str = "") -> list[dict[QualityFlag, str]]:
    """The quality flags of each image, in words; a flag also says if it was sent before with another form."""
    earlier = queries.sent_before(user, [image.sha256 for image in images], token)
    seen: set[str] = set()
    found = []
    for image in images:
        words = {flag: flag.label for flag in image.quality_flags}
        if image.sha256 in earlier:
            words[QualityFlag.ALREADY_SENT] = f"this image was already sent with case {earlier[image.sha256]}"
        elif image.sha256 in seen:
            words[QualityFlag.ALREADY_SENT] = "this image is chosen twice"
        seen.add(image.sha256)
        found.append(words)
    return found


def sentence(quality_flags: dict[QualityFlag, str]) -> str:
    """What to do about quality flags, for example "please retake (too dark)"."""
    quality = [words for flag, words in quality_flags.items() if flag is not QualityFlag.ALREADY_SENT]
    parts = [f"please retake ({'; '.join(quality)})"] if quality else []
    return "; ".join([*parts, *(words for flag, words in quality_flags.items() if flag is QualityFlag.ALREADY_SENT)])


def clean_images(files: Sequence[File], *, only_to_judge: bool = False) -> list[CleanImage]:
    """Rebuild uploaded files; ``only_to_judge``: without a long wait, previews and thumbnails.

    Raises RefusedUploadError or, see ``admitted``, BusyError.
    """
    settings = current_settings()
    pause()  # decoding takes a while, and on SQLite would keep everybody else from writing
    if not files:
        raise RefusedUploadError(["Choose at least one image."])
    if len(files) > settings.max_images_per_case:
        raise RefusedUploadError(
            [f"A case can have up to {settings.max_images_per_case} images; you chose {len(files)}."]
        )
    limits = bundles.quality_limits(settings.model_bundle)
    images, problems = [], []
    with admitted(CHECK_SECONDS if only_to_judge else WAIT_SECONDS):
        for name, read in files:
            try:
                images.append(rebuild(read(settings.max_image_bytes + 1), settings, limits, smaller=not only_to_judge))
            except RefusedImageError as error:
                problems.append(f"{name}: {error}")
    if problems:
        raise RefusedUploadError(problems)
    return images

"""What can be learned of the model on disk without loading it."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from webapp.core.config import current_settings

if TYPE_CHECKING:
    from pathlib import Path

    from ml.imaging.quality import QualityLimits

log = logging.getLogger(__name__)


def check() -> None:
    """Raises BundleError unless the card can be read and its checksum matches the weights."""
    from ml.bundle import Bundle  # imported on first use, so that the web process starts fast

    Bundle.load(current_settings().model_bundle)


def quality_limits(bundle: Path | None) -> QualityLimits | None:
    """The model's quality limits; None, for the defaults, as long as its card cannot be read."""
    from ml.bundle import BundleError

    try:
        return _quality_limits(bundle)
    except BundleError as error:
        log.warning("the usual limits of image quality apply: %s", error)
        return None


@lru_cache(maxsize=1)
def _quality_limits(bundle: Path | None) -> QualityLimits | None:
    """Raises BundleError, which is not cached: the next image may find the card repaired."""
    from ml.bundle import read_card

    return read_card(bundle).quality

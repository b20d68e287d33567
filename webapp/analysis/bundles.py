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


@lru_cache(maxsize=1)
def quality_limits(bundle: Path | None) -> QualityLimits | None:
    """The model's quality limits; None, for the defaults, if its card cannot be read."""
    from ml.bundle import BundleError, read_card

    try:
        return read_card(bundle).quality
    except BundleError as error:
        log.warning("the usual limits of image quality apply: %s", error)
        return None

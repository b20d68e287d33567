"""How often the quality check flags real images as they are, blurred and underexposed. None of them is a bad image."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from PIL import Image, ImageFilter

from ml.imaging.preprocessing import region
from ml.imaging.quality import WORKING_SIZE, QualityIssue, QualityLimits, assess

Change = Callable[[Image.Image], Image.Image]


def blurred(radius: float, image: Image.Image) -> Image.Image:
    """Out of focus: Gaussian, `radius` in pixels of the 256 × 256 square."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def underexposed(factor: float, image: Image.Image) -> Image.Image:
    """The same scene in `factor` (0–1) times the light: sRGB values, scaled as linear light (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) * factor
    dimmed = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return image.point(np.tile((dimmed * 255).round().astype(int), 3).tolist())


CHANGES: Final[Mapping[str, Change]] = {
    "as they are": lambda image: image,
    "blurred by 3": partial(blurred, 3),
    "blurred by 5": partial(blurred, 5),
    "light × 0.1": partial(underexposed, 0.1),
}


def shares(images: Iterable[tuple[str, Image.Image]], limits: QualityLimits) -> Iterator[dict[str, Any]]:
    """A row for each change and group (the first of each pair): number of images, and shares (0–1) by issue.

    Images are reduced to 256 × 256 first, so only issues of light, focus and field are counted.
    """
    limits_here = QualityLimits(**{**limits.to_json(), "side": WORKING_SIZE, "covered": 0.5})
    number: Counter[str] = Counter()
    found: Counter[tuple[str, str, QualityIssue]] = Counter()
    for group, image in images:
        number[group] += 1
        small = image.resize((WORKING_SIZE, WORKING_SIZE), Image.Resampling.BILINEAR, box=region(*image.size).box)
        for name, change in CHANGES.items():
            found.update((name, group, issue) for issue in assess(change(small), limits_here).issues)
    for name in CHANGES:
        for group in sorted(number):
            row = {issue.value: found[name, group, issue] / number[group] for issue in QualityIssue}
            yield {"images": name, "group": group, "number": number[group], **row}

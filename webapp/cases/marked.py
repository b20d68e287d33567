"""Marked images for pages and the letter: where each ring and its number are drawn, in pixels of the image."""

from dataclasses import dataclass

from webapp.models import Image, Mark, Review

RADIUS = 0.04
"""Of a ring, as a share of the image's longer side."""


@dataclass(frozen=True)
class Ring:
    """A ring around the marked place, with its number on a disc at the side where there is room."""

    number: int
    mark: Mark

    @property
    def radius(self) -> float:
        return round(RADIUS * max(self.mark.image.width, self.mark.image.height), 1)

    @property
    def x(self) -> float:
        return round(self.mark.x * self.mark.image.width, 1)

    @property
    def y(self) -> float:
        return round(self.mark.y * self.mark.image.height, 1)

    @property
    def number_x(self) -> float:
        """To the right of the place, but to the left near the right edge."""
        room = self.x + 2 * self.radius < self.mark.image.width
        return round(self.x + self.radius * (1 if room else -1), 1)

    @property
    def number_y(self) -> float:
        """Above the place, but below near the upper edge."""
        room = self.y > 2 * self.radius
        return round(self.y + self.radius * (-1 if room else 1), 1)


@dataclass(frozen=True)
class MarkedImage:
    image: Image
    rings: list[Ring]


def rings(review: Review) -> list[Ring]:
    return [Ring(number, mark) for number, mark in enumerate(review.marks, start=1)]


def marked_images(review: Review | None) -> list[MarkedImage]:
    """The images that the decision marks, in the order of the case; none without a decision."""
    if review is None:
        return []
    found = rings(review)
    drawn = [MarkedImage(image, [r for r in found if r.mark.image_id == image.id]) for image in review.case.images]
    return [marked for marked in drawn if marked.rings]

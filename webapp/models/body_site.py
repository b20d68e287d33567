"""Where on the body a lesion is: the site, its side, and the surface where a site has several."""

from enum import StrEnum


class BodySite(StrEnum):
    SCALP = "scalp"
    FACE = "face"
    EAR = "ear"
    NECK = "neck"
    CHEST = "chest"
    ABDOMEN = "abdomen"
    BACK = "back"
    UPPER_LIMB = "upper_limb"
    HAND = "hand"
    LOWER_LIMB = "lower_limb"
    FOOT = "foot"
    GENITAL = "genital"
    OTHER = "other"

    @property
    def label(self) -> str:
        return {"upper_limb": "Arm", "lower_limb": "Leg", "genital": "Genital area", "other": "Other site"}.get(
            self.value, self.value.capitalize()
        )

    @property
    def paired(self) -> bool:
        """There are two of it: each is left or right, and neither has a midline."""
        return self in (BodySite.EAR, BodySite.UPPER_LIMB, BodySite.HAND, BodySite.LOWER_LIMB, BodySite.FOOT)

    @property
    def sides(self) -> tuple["Side", ...]:
        return (Side.LEFT, Side.RIGHT) if self.paired else tuple(Side)

    @property
    def surfaces(self) -> tuple["Surface", ...]:
        """Empty where the site says it already."""
        return _SURFACES.get(self, ())


class Side(StrEnum):
    """The patient's own."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Surface(StrEnum):
    FRONT = "front"
    BACK = "back"
    INNER = "inner"
    OUTER = "outer"
    PALM = "palm"
    SOLE = "sole"
    DORSUM = "dorsum"

    @property
    def label(self) -> str:
        return {"inner": "Inner side", "outer": "Outer side", "dorsum": "Back of the hand, top of the foot"}.get(
            self.value, self.value.capitalize()
        )


_SURFACES = {
    BodySite.EAR: (Surface.FRONT, Surface.BACK),
    BodySite.NECK: (Surface.FRONT, Surface.BACK),
    BodySite.UPPER_LIMB: (Surface.FRONT, Surface.BACK, Surface.INNER, Surface.OUTER),
    BodySite.LOWER_LIMB: (Surface.FRONT, Surface.BACK, Surface.INNER, Surface.OUTER),
    BodySite.HAND: (Surface.PALM, Surface.DORSUM),
    BodySite.FOOT: (Surface.SOLE, Surface.DORSUM),
}


def in_words(site: BodySite, side: Side | None, surface: Surface | None) -> str:
    """For example "Left hand, palm", "Back, midline" or "Face"."""
    if site.paired and side is not None:
        parts = [f"{side.label} {site.label.lower()}"]
    else:
        parts = [site.label, *([side.label.lower()] if side else [])]
    if surface is Surface.DORSUM:
        parts.append("back" if site is BodySite.HAND else "top")
    elif surface is not None:
        parts.append(surface.label.lower())
    return ", ".join(parts)

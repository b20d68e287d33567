"""The model card for people, written from card.json and the bundle's report: no figure is typed by hand."""

from collections.abc import Mapping
from typing import Any

from ml.card import Card
from ml.report import card_sections as measured
from ml.report.card_sections import table

_SECTIONS = (
    measured.criteria,
    measured.figures,
    measured.operating_points,
    measured.patterns,
    measured.coding,
    measured.heatmaps,
    measured.subgroups,
    measured.other_clinics,
    measured.abstention,
)


def markdown(card: Card, report: Mapping[str, Any] | None = None) -> str:
    """The card as a Markdown page; without a report (`ml.report.files.read_report`) with the card's own figures."""
    found = report or card.metrics
    parts = [_head(card), _data(card), *(section(card, found) for section in _SECTIONS), _training(card)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _head(card: Card) -> str:
    assessed = ", ".join(f"{target.label} ({target.evidence})" for target in card.targets)
    return "\n\n".join(
        [
            f"# Model card: {card.name}",
            f"Written by `python -m ml card` from the bundle's card.json and report.json. Bundle `{card.reference}`, "
            f"{card.created}.",
            f"**{card.notice}**",
            f"**Intended use.** {card.intended_use}",
            f"**Assesses** {assessed}. Patterns not named here are not assessed by this model. "
            f"Lesion types: {', '.join(lesion.label for lesion in card.lesions)}.",
            f"**Network.** {card.backbone}; preprocessing `{card.preprocessing.version}`: the picture's centre square, "
            f"resized to {card.preprocessing.size} × {card.preprocessing.size} pixels.",
        ]
    )


def _data(card: Card) -> str:
    rows = [
        [name, part["images"], part["lesions"], part["bcc_images"], part["bcc_lesions"]]
        for name, part in card.data["splits"].items()
    ]
    return "\n\n".join(
        [
            "## Data",
            f"{card.data['source']}. Licence: {card.data['licence']}. Split by lesion (seed {card.data['seed']}).",
            table(["split", "images", "lesions", "BCC images", "BCC lesions"], rows),
        ]
    )


def _training(card: Card) -> str:
    config = card.training["config"]
    stages = [
        [stage["name"], stage["cut"], stage["epochs"], stage["rate"], stage["views"] or "fresh"]
        for stage in config["stages"]
    ]
    settings = ", ".join(f"{key} {value}" for key, value in config.items() if key != "stages")
    versions = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    return "\n\n".join(
        [
            "## Training",
            f"`{card.training['command']}`: {settings}. Calibration: logit {card.bcc.offset:+.3f}, divided by "
            f"{card.bcc.temperature:.3f}. Libraries: {versions}.",
            table(["step", "frozen blocks", "epochs", "rate", "cached views"], stages),
        ]
    )

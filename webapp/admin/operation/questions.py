"""What is asked before old images are analysed again, another operating point is used, or the model switched."""

from flask import url_for

from webapp.core.confirm import Question
from webapp.models import ModelVersion
from webapp.models.operating_point import OperatingPoint


def about_rerun(version: ModelVersion, images: int) -> Question:
    number = "1 image of an earlier case is" if images == 1 else f"{images:,} images of earlier cases are"
    points = [
        f"{number} analysed again with {version.name}, after new uploads. You can stop this at any time.",
        "Open cases are then placed in the worklist by the new result.",
        "Earlier results are kept, and decided cases keep the result the dermatologist saw.",
    ]
    return Question("Re-run earlier cases?", points, "Start the re-run", url_for("operation.models"))


def about_point(before: OperatingPoint | None, chosen: OperatingPoint) -> Question:
    points = [f"The model will suspect BCC from a probability of {_percent(chosen.threshold)}{_instead(before)}."]
    if before is not None:
        more = chosen.sensitivity > before.sensitivity
        points.append(
            f"Of the BCC it was measured on, it suspects {_percent(chosen.sensitivity)} instead of "
            f"{_percent(before.sensitivity)}: {'fewer' if more else 'more'} are missed. "
            f"Specificity: {_percent(chosen.specificity)} instead of {_percent(before.specificity)}."
        )
    points.append(
        "Open cases are placed anew in the worklist, and from this probability on reassuring needs a reason. "
        "Decisions already made stay as they are."
    )
    return Question("Use another operating point?", points, "Use this operating point", url_for("operation.thresholds"))


def about_switching(*, off: bool) -> Question:
    back = url_for("operation.models")
    if not off:
        points = [
            "Images that waited are analysed, urgent cases first, and results given before count again.",
            "Open cases are placed in the worklist by the model's results, as before.",
            "A case decided meanwhile without an early appointment is re-opened if the model suspects a cancer in it.",
        ]
        return Question("Switch the model on?", points, "Switch the model on", back)
    points = [
        "No image is analysed, and no result of the model is used: no probability, pattern or heatmap on any page and "
        "none in the export.",
        "The worklist is ordered by urgency and waiting time. Re-opened and overdue cases stay first.",
        "Every page says so, to everyone. GPs can send cases as before.",
        "Decisions already made stay as they are.",
    ]
    return Question("Switch the model off?", points, "Switch the model off", back)


def _instead(before: OperatingPoint | None) -> str:
    return f" instead of {_percent(before.threshold)}" if before is not None else ""


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"

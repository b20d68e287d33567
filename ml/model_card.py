"""The model card for people, written from card.json: no figure is typed by hand."""

from typing import Any

from ml.card import Card


def markdown(card: Card) -> str:
    """The card as a Markdown page."""
    parts = [_head(card), _data(card), _figures(card), _points(card), *_patterns(card), *_abstention(card)]
    return "\n\n".join([*parts, _training(card)]) + "\n"


def _head(card: Card) -> str:
    assessed = ", ".join(f"{target.label} ({target.evidence})" for target in card.targets)
    return "\n\n".join(
        [
            f"# Model card: {card.name}",
            f"Written by `python -m ml card` from the bundle's card.json. Bundle `{card.reference}`, {card.created}.",
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
        f"| {name} | {part['images']} | {part['lesions']} | {part['bcc_images']} | {part['bcc_lesions']} |"
        for name, part in card.data["splits"].items()
    ]
    return "\n".join(
        [
            "## Data",
            "",
            f"{card.data['source']}. Licence: {card.data['licence']}. Split by lesion (seed {card.data['seed']}).",
            "",
            "| split | images | lesions | BCC images | BCC lesions |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _figures(card: Card) -> str:
    names = {
        "auc": "BCC: area under the ROC curve",
        "average_precision": "BCC: average precision",
        "ece": "BCC: expected calibration error",
        "lesion_accuracy": "Lesion type: accuracy",
        "lesion_macro_f1": "Lesion type: macro F1",
    }
    metrics = card.metrics
    return "\n".join(
        [
            "## Measured",
            "",
            f"On the {metrics['split']} split ({metrics['images']} images of {metrics['lesions']} lesions, "
            f"{metrics['bcc_images']} images of {metrics['bcc_lesions']} lesions BCC), never used for a choice; "
            "95 % bootstrap intervals over lesions. Command: `python -m ml evaluate --data HAM10000`.",
            "",
            "| figure | value | 95 % interval |",
            "|---|---|---|",
            *(f"| {label} | {_interval(metrics[name])} |" for name, label in names.items()),
            f"| Images with a quality issue | {metrics['flagged_by_quality']} of {metrics['images']} | |",
            "",
            "Resampling adds noise to every bin, so the interval of the calibration error lies high.",
        ]
    )


def _points(card: Card) -> str:
    target = card.bcc
    rows = [
        f"| {point['wanted']:.2f}{' (default)' if point['wanted'] == target.default_sensitivity else ''} "
        f"| {point['threshold']:.3f} | {_interval(point['sensitivity'])} | {_interval(point['specificity'])} |"
        for point in card.metrics["operating_points"]
    ]
    return "\n".join(
        [
            "## Operating points",
            "",
            "Thresholds on the calibrated P(BCC), chosen on validation for a wanted sensitivity, measured on test.",
            "",
            "| wanted sensitivity | threshold | sensitivity | 95 % | specificity | 95 % |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _patterns(card: Card) -> list[str]:
    """What was measured of the pattern heads; nothing for a bundle without them."""
    metrics = card.metrics
    if not card.patterns or "rule" not in metrics:
        return []
    rule, drawn, grafts = metrics["rule"], metrics["phantoms"], metrics["grafts"]
    network = metrics["pigment_network"]
    rows = [
        f"| {target.label} | {target.threshold:.3f} | {_decimal(drawn, target.code)} | {_decimal(grafts, target.code)} "
        f"| {rule['found_in_bcc'][target.code]:.2f} | {rule['found_in_non_bcc'][target.code]:.2f} |"
        for target in card.targets[1:]
    ]
    figures = {
        f"Pigment network on expert labels ({network['images']} images): area under the ROC curve": network["auc"],
        "… sensitivity at the threshold": network["sensitivity"],
        "… specificity at the threshold": network["specificity"],
        f"All seven on {drawn['images']} unseen phantoms: mean area": drawn["macro_auc"],
        f"All seven drawn on {grafts['images']} unseen photographs: mean area": grafts["macro_auc"],
        "Real BCC in which one of the six is found": rule["any_of_six_in_bcc"],
        "Real non-BCC in which one of the six is found": rule["any_of_six_in_non_bcc"],
        "Real BCC in which pigment network is found": rule["network_in_bcc"],
        "Clinical rule right in real BCC": rule["rule_right_in_bcc"],
        "Clinical rule right in real non-BCC": rule["rule_right_in_non_bcc"],
    }
    choices = " ".join(sorted({f"Thresholds of the six: {t.choice}." for t in card.targets if t.choice}))
    return [
        "\n".join(
            [
                "## Patterns",
                "",
                "That one of the six is found in a BCC was trained for on real images; *which* one was learnt from "
                f"drawings alone. {choices}",
                "",
                "| figure | value | 95 % interval |",
                "|---|---|---|",
                *(f"| {name} | {_interval(figure)} |" for name, figure in figures.items()),
                "",
                "| pattern | threshold | area, phantoms | area, drawn on photographs | found in BCC | in non-BCC |",
                "|---|---|---|---|---|---|",
                *rows,
            ]
        )
    ]


def _decimal(drawn: dict[str, Any], code: str) -> str:
    return f"{drawn['patterns'][code]['auc']:.3f}" if code in drawn["patterns"] else ""


def _abstention(card: Card) -> list[str]:
    if card.novelty is None or "abstention" not in card.metrics:
        return []
    found = card.metrics["abstention"]
    figures = {
        "Held-out HAM10000 images called unfamiliar": found["real_unfamiliar"],
        "… of the BCC among them": found["real_unfamiliar_bcc"],
        "Held-out images with any reason for a person": found["real_any_reason"],
    }
    strangers = ", ".join(f"{kind} {sent} of {count}" for kind, (sent, count) in found["strangers"].items())
    sent, count = found["strangers_total"]
    return [
        "\n".join(
            [
                "## Abstention",
                "",
                f"Distance from the known images: {card.novelty.method}.",
                "",
                "| figure | value | 95 % interval |",
                "|---|---|---|",
                *(f"| {name} | {_interval(figure)} |" for name, figure in figures.items()),
                "",
                f"Pictures that are not dermoscopy, sent to a person by quality or distance: {sent} of {count} "
                f"({strangers}).",
            ]
        )
    ]


def _training(card: Card) -> str:
    config = card.training["config"]
    stages = [
        f"| {stage['name']} | {stage['cut']} | {stage['epochs']} | {stage['rate']} | {stage['views'] or 'fresh'} |"
        for stage in config["stages"]
    ]
    settings = ", ".join(f"{key} {value}" for key, value in config.items() if key != "stages")
    versions = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    return "\n".join(
        [
            "## Training",
            "",
            f"`{card.training['command']}`: {settings}. Calibration: logit {card.bcc.offset:+.3f}, divided by "
            f"{card.bcc.temperature:.3f}. Libraries: {versions}.",
            "",
            "| step | frozen blocks | epochs | rate | cached views |",
            "|---|---|---|---|---|",
            *stages,
        ]
    )


def _interval(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f}"

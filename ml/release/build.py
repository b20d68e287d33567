"""RUNS/fold-0 … and RUNS/everything → a bundle."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ml.backbones import find
from ml.bundle import MODEL_FILE, sha256_of, write_card
from ml.card import CODES, Card
from ml.data.collections import HAM, MILK
from ml.data.records import DataError
from ml.evaluation.outputs import Outputs
from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import LESIONS
from ml.release import words
from ml.release.figures import counts, figures
from ml.release.gate import choose_gate
from ml.release.graphs import explained, write_outputs
from ml.release.operating_points import malignant_targets
from ml.release.patterns import pattern_targets
from ml.release.sources import EVERYTHING, Sources
from ml.training.calibration import fit_temperature
from ml.training.recipe.frozen import Run
from ml.training.recipe.graph import write_graph
from ml.training.recipe.weights import WEIGHTS


def look(runs: Path, sources: Sources) -> Outputs:
    """What every finished fold's graph says of what it held out. Raises `DataError` where none is finished."""
    for file in sorted(runs.glob(f"fold-*/{WEIGHTS}")):
        write_outputs(Run.read(file.parent), sources)
    return Outputs.read(runs)


def release(runs: Path, folder: Path, sources: Sources) -> Card:
    """Write the bundle; what was made before and still holds is used again. Raises `DataError`."""
    run, found = Run.read(runs / EVERYTHING), look(runs, sources)
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(explained(run, sources), run.side, folder / MODEL_FILE)
    card = card_of(folder, run, found, sources)
    write_card(folder, card)
    return card


def card_of(folder: Path, run: Run, found: Outputs, sources: Sources) -> Card:
    """The card of the graph in `folder`. Raises `DataError` where a finding does not occur in the outputs."""
    try:
        targets = {**malignant_targets(found), **pattern_targets(found, sources)}
    except ValueError as error:
        raise DataError(f"The folds don't hold out enough for a release: {error}") from error
    gate = choose_gate(found)
    dermoscopic = found.from_sources(HAM, MILK)
    kinds = np.array([LESIONS.index(kind) for kind in dermoscopic.diagnosis])
    return Card(
        name=folder.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=sha256_of(folder / MODEL_FILE),
        backbone=f"{find(run.recipe.backbone).label}, {run.side} × {run.side}",
        preprocessing=PreprocessingSpec(size=run.side),
        targets=tuple(targets[code] for code in CODES),
        lesions=LESIONS,
        lesion_temperature=fit_temperature(dermoscopic.lesion_logits, kinds),
        quality=QualityLimits(),
        intended_use=words.INTENDED_USE,
        clinically_validated=False,
        notice=words.notice(targets[CODES[0]]),
        gate=gate,
        data={"sources": words.SOURCES, "licence": words.LICENCE, "judged out of fold": counts(dermoscopic)},
        metrics=figures(found, targets, gate, sources),
        training=words.training(run.recipe, len(set(found.fold.tolist()))),
        versions=words.versions(),
    )

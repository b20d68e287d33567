"""Serving: load a bundle once, then classify batches of images. The only serving module that imports onnxruntime.

from ml.bundle import Bundle, BundleError, read_card    # light: no onnxruntime
from ml.imaging.decoding import decode, UnreadableImage    # light: numpy and Pillow
from ml.engine import Engine                            # heavy: workers only

engine = Engine(Bundle.load())            # or Bundle.load(folder); raises BundleError with a plain message
image = decode(data)                      # upright RGB without metadata; raises UnreadableImage(reason)
result, = engine.run([image])             # ml.results.Result, one per image, in order
result.bcc_probability                    # calibrated; None if the model gave no usable result
result.bcc                                # at or above the default operating point; None likewise
result.malignant                          # calibrated probability of BCC, SCC and melanoma, by Lesion
result.modality                           # dermoscopic, clinical or other
result.needs_person, result.reasons       # Reason codes, each with .message
result.findings, result.patterns          # Finding(target, probability, threshold, call, strength, placed)
result.heatmaps["BCC"].to_png()           # small greyscale PNG to stretch over result.region; None: no reliable place
result.region                             # left, top, size in pixels of the upright image
result.bundle, result.preprocessing       # "name@sha256[:12]", version string: store both with the result
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from PIL import Image

from ml.bundle import Bundle, BundleError
from ml.card import CODES, Target
from ml.imaging.preprocessing import Region, prepare, region
from ml.imaging.quality import Quality, assess
from ml.patterns import Lesion, Modality
from ml.results import Finding, Heatmap, Reason, Result

__all__ = ["Engine", "Finding", "Heatmap", "Reason", "Region", "Result"]

OUTPUTS: Final = ("target_logits", "lesion_logits", "modality_logits", "cams")
CELLS: Final = 4  # maps are told in 4 × 4 cells
_NOT_DERMOSCOPIC: Final = {Modality.CLINICAL: Reason.CLINICAL, Modality.OTHER: Reason.NOT_DERMOSCOPIC}
BATCH: Final = 4

Array = npt.NDArray[np.float32]


class Look(NamedTuple):
    """One image as the engine needs it: the network's input, its quality, and the analysed square."""

    prepared: Array
    quality: Quality
    region: Region


class Engine:
    """One loaded bundle. Thread-safe; memory stays flat because images pass in small batches."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        """`threads`: CPU threads per run; 0 leaves it to onnxruntime. Raises `BundleError`."""
        self.bundle = bundle
        self._card = bundle.card
        try:
            self._session = ort.InferenceSession(bundle.model_file, _options(threads), ["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises untyped errors of its own
            raise BundleError(f"The weights in {bundle.path} cannot be loaded.") from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        if set(self._outputs) != set(OUTPUTS):
            raise BundleError(f"The weights in {bundle.path} do not give the outputs that this version expects.")
        self._try_out()

    def _try_out(self) -> None:
        """Run once on a grey image: weights that give no finite numbers, or too few of them, must not load.

        So a bad bundle is found here and not with the first patient, and a repaired one works without a restart.
        """
        size = self._card.preprocessing.size
        try:
            outputs = self.forward(np.zeros((1, 3, size, size), np.float32))
        except Exception as error:
            raise BundleError(f"The weights in {self.bundle.path} cannot be run.") from error
        expected = {
            "target_logits": (1, len(CODES)),
            "lesion_logits": (1, len(self._card.lesions)),
            "modality_logits": (1, len(Modality)),
        }
        wrong = [name for name, shape in expected.items() if outputs[name].shape != shape]
        cams = outputs["cams"].shape
        if wrong or len(cams) != 4 or cams[:2] != (1, len(CODES)) or any(side % CELLS for side in cams[2:]):
            raise BundleError(f"The weights in {self.bundle.path} give outputs of another size than their card says.")
        if not all(bool(np.isfinite(values).all()) for values in outputs.values()):
            raise BundleError(f"The weights in {self.bundle.path} give outputs that are not finite.")

    def run(self, images: Sequence[Image.Image]) -> list[Result]:
        """One result per upright RGB image, in order."""
        return self.classify([self.look(image) for image in images])

    def look(self, image: Image.Image) -> Look:
        """All that is needed of an upright RGB image, which takes hundreds of times the memory."""
        card = self._card
        return Look(prepare(image, card.preprocessing), assess(image, card.quality), region(*image.size))

    def classify(self, looks: Sequence[Look]) -> list[Result]:
        """One result for each, in order."""
        return [result for batch in _batched(looks) for result in self._run_batch(batch)]

    def _run_batch(self, looks: Sequence[Look]) -> Iterator[Result]:
        outputs = self.forward(np.stack([look.prepared for look in looks]))
        for index, look in enumerate(looks):
            yield self._result(look, {name: values[index] for name, values in outputs.items()})

    def forward(self, inputs: Array) -> dict[str, Array]:
        """The graph's raw outputs for prepared inputs (N, 3, size, size)."""
        return dict(zip(self._outputs, self._session.run(self._outputs, {"images": inputs}), strict=True))

    def _result(self, look: Look, outputs: dict[str, Array]) -> Result:
        # No number of a broken output is passed on: it could look like a low risk.
        usable = all(bool(np.isfinite(values).all()) for values in outputs.values())
        reasons = ([] if usable else [Reason.NOT_FINITE]) + [Reason(issue.value) for issue in look.quality.issues]
        modality = self._modality(outputs["modality_logits"]) if usable else None
        if modality in _NOT_DERMOSCOPIC:
            reasons.append(_NOT_DERMOSCOPIC[modality])
        heatmaps = self._heatmaps(outputs["cams"]) if usable else {}
        findings = self._findings(outputs["target_logits"], heatmaps) if usable else ()
        return Result(
            bcc_probability=findings[0].probability if findings else None,
            bcc=findings[0].present if findings else None,
            lesion=self._lesion(outputs["lesion_logits"]) if usable else {},
            findings=findings,
            heatmaps=heatmaps,
            modality=modality,
            reasons=tuple(reasons),
            quality=look.quality,
            region=look.region,
            bundle=self.bundle.reference,
            preprocessing=self._card.preprocessing.version,
        )

    def _modality(self, logits: Array) -> Modality:
        """Dermoscopic where the gate lets it pass, else the likelier of the others."""
        share = dict(zip(Modality, _shares(logits), strict=True))
        if share[Modality.DERMOSCOPIC] >= self._card.gate.threshold:
            return Modality.DERMOSCOPIC
        return max(_NOT_DERMOSCOPIC, key=lambda kind: share[kind])

    def _heatmaps(self, cams: Array) -> dict[str, Heatmap]:
        pairs = zip(self._card.targets, cams, strict=True)
        return {target.code: Heatmap(cam.copy(), target.place) for target, cam in pairs}

    def _findings(self, logits: Array, heatmaps: dict[str, Heatmap]) -> tuple[Finding, ...]:
        pairs = zip(self._card.targets, logits, strict=True)
        return tuple(_finding(target, float(logit), heatmaps[target.code]) for target, logit in pairs)

    def _lesion(self, logits: Array) -> dict[Lesion, float]:
        return dict(zip(self._card.lesions, _shares(logits / self._card.lesion_temperature), strict=True))


def _finding(target: Target, logit: float, heatmap: Heatmap) -> Finding:
    probability = float(target.probability(logit))
    call = target.call(probability)
    return Finding(target.code, probability, target.threshold, call, heatmap.strength, heatmap.reliable)


def _shares(logits: Array) -> list[float]:
    """Softmax."""
    odds = np.exp((logits - logits.max()).astype(np.float64))
    return [float(share) for share in odds / odds.sum()]


def _batched(looks: Sequence[Look]) -> Iterator[Sequence[Look]]:
    return (looks[start : start + BATCH] for start in range(0, len(looks), BATCH))


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A worker shares its machine: no memory plan per batch size, and no spinning while it waits. The arena stays on,
    # because fragmentation would double the memory without it.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options

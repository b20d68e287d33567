"""A model on disk: `model.onnx` and its `card.json`. Reading a card needs neither onnxruntime nor torch."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ml.card import Card

MODEL_FILE: Final = "model.onnx"
CARD_FILE: Final = "card.json"
DEFAULT_BUNDLE: Final = Path(__file__).parent / "bundles" / "mobilenetv2-lesions-1"


class BundleError(Exception):
    """The bundle cannot be used; the message says why in plain words."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose card has been read and whose weights match it."""

    path: Path
    card: Card

    @property
    def model_file(self) -> Path:
        return self.path / MODEL_FILE

    @property
    def reference(self) -> str:
        return self.card.reference

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """Read and verify the bundle at `path`, by default the shipped one. Raises `BundleError`."""
        folder = Path(path) if path is not None else DEFAULT_BUNDLE
        card = read_card(folder)
        if sha256_of(folder / MODEL_FILE) != card.sha256:
            raise BundleError(f"The weights in {folder} are not the ones their card describes (wrong SHA-256).")
        return cls(folder, card)


def read_card(path: Path | str | None = None) -> Card:
    """The card alone; the weights are not checked. Raises `BundleError`."""
    folder = Path(path) if path is not None else DEFAULT_BUNDLE
    try:
        return Card.from_json(json.loads((folder / CARD_FILE).read_text(encoding="utf-8")))
    except OSError as error:
        raise BundleError(f"There is no readable model card in {folder} ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"The model card in {folder} cannot be used: {error}.") from error


def write_card(folder: Path, card: Card) -> None:
    text = json.dumps(card.to_json(), indent=2, ensure_ascii=False) + "\n"
    (folder / CARD_FILE).write_text(text, encoding="utf-8")


def sha256_of(file: Path) -> str:
    """Raises `BundleError` if the file cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"There are no readable weights at {file} ({error.strerror}).") from error

"""Whether the model on disk is whole, without loading it."""

from pathlib import Path


def check(bundle: Path | None) -> None:
    """Raises BundleError unless the card can be read and the weights are those that it describes."""
    from ml.bundle import Bundle  # with the first question, so that the web process starts fast

    Bundle.load(bundle)

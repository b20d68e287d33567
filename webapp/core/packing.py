"""Compress the program's own files ahead, as ``make install`` does: ``python -m webapp.core.packing``."""

import gzip
from collections.abc import Callable

import brotli

from webapp.core import assets

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda data: bytes(brotli.compress(data)),
    "gzip": lambda data: gzip.compress(data, mtime=0),
}


def pack() -> None:
    """Write what is missing, where it is smaller than the file itself, and remove the copies of earlier files."""
    assets.PACKED.mkdir(exist_ok=True)
    outdated = set(assets.PACKED.iterdir())
    for path in assets.STATIC.rglob("*"):
        if path.suffix in assets.WORTH_PACKING:
            for coding, compress in CODINGS.items():
                copy = assets.packed(path, coding)
                outdated.discard(copy)
                if not copy.exists() and len(made := compress(path.read_bytes())) < path.stat().st_size:
                    copy.write_bytes(made)
    for copy in outdated:
        copy.unlink()


if __name__ == "__main__":
    pack()

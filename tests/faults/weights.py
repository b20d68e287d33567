"""The largest images that the program takes, and what a process weighs."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from tests.conftest import ROOT

ON_ITS_SIDE = 6


def limits(part: str) -> dict[str, int]:
    """What deploy/ allows the web server or the worker, in megabytes, by file."""
    compose, kubernetes = ROOT / "deploy" / "compose.yaml", ROOT / "deploy" / "kubernetes" / f"{part}.yaml"
    unit = ROOT / "deploy" / "systemd" / f"dermtriage-{part}.service"
    pod = next(iter(yaml.safe_load_all(kubernetes.read_text())))["spec"]["template"]["spec"]
    found = {
        compose.name: yaml.safe_load(compose.read_text())["services"][part]["mem_limit"],
        kubernetes.name: pod["containers"][0]["resources"]["limits"]["memory"],
        unit.name: next(line for line in unit.read_text().splitlines() if line.startswith("MemoryHigh=")),
    }
    return {name: int("".join(sign for sign in text if sign.isdigit())) for name, text in found.items()}


def peak(pid: int) -> int:
    """The most memory that the process ever had, in megabytes."""
    return _status(pid, "VmHWM")


def present(pid: int) -> int:
    return _status(pid, "VmRSS")


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{name}:"))


@cache
def photograph(width: int, height: int) -> Image.Image:
    """Skin with grain, repeated: quick to make at any size."""
    noise = np.random.default_rng(1).normal(0, 7, (512, 512, 1))
    tile = np.clip(np.array([205.0, 160.0, 140.0]) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(np.tile(tile, (height // 512 + 1, width // 512 + 1, 1))[:height, :width])


def telephone(width: int = 8064, height: int = 6048, **how: object) -> bytes:
    """A JPEG of 48.8 megapixels, lying on its side, as telephones store them."""
    exif = Image.Exif()
    exif[0x0112] = ON_ITS_SIDE
    return saved(width, height, "JPEG", quality=85, exif=exif.tobytes(), **how)


@cache
def saved(width: int, height: int, format: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    photograph(width, height).save(buffer, format, **how)
    return buffer.getvalue()


def hollow_webp(width: int = 7050, height: int = 7050) -> bytes:
    """Some forty bytes that decode into 49.7 megapixels of one grey: lossless WebP spends nothing on them."""
    bits = (width - 1) | (height - 1) << 14
    body = b"\x2f" + bits.to_bytes(4, "little") + HOLLOW_BODY
    chunk = b"VP8L" + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
    return b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk


HOLLOW_BODY = bytes.fromhex("0710a58dfe0722a2ff01")

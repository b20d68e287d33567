"""The pinned packages, as the requirement files and package-lock.json have them."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SERVE = ("requirements-serve.txt",)
EVERYTHING = ("requirements.txt", *SERVE)
NPM_LOCKS = ("package-lock.json", "tests/lighthouse/package-lock.json")


@dataclass(frozen=True)
class Pin:
    """``wanted``: whether this Python on this machine needs it; ``digests``: SHA-256 of each of its files."""

    name: str
    version: str
    wanted: bool
    digests: tuple[str, ...]


def pins(names: Iterable[str]) -> list[Pin]:
    """Those of these requirement files."""
    found = []
    for name in names:
        text = (ROOT / name).read_text().replace("\\\n", " ")
        found += [_pin(line) for line in text.splitlines() if line and not line.startswith(("#", "-r "))]
    return found


def _pin(line: str) -> Pin:
    asked = Requirement(line.split(" --hash=")[0].strip())
    (version,) = (specifier.version for specifier in asked.specifier)
    wanted = asked.marker is None or asked.marker.evaluate()
    return Pin(canonicalize_name(asked.name), version, wanted, tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", line)))


@dataclass(frozen=True)
class Script:
    """A package for the browser; ``dev``: for tests and building only. ``digest``: SHA-512 of its archive."""

    name: str
    version: str
    licence: str
    dev: bool
    digest: str


def scripts(lock: str) -> list[Script]:
    packages: dict[str, dict[str, Any]] = json.loads((ROOT / lock).read_text())["packages"]
    return [
        Script(
            path.rsplit("node_modules/", 1)[1],
            facts["version"],
            facts.get("license", ""),
            bool(facts.get("dev")),
            base64.b64decode(facts["integrity"].removeprefix("sha512-")).hex(),
        )
        for path, facts in packages.items()
        if path
    ]

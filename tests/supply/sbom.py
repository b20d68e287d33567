"""The bill of materials of what serves, as CycloneDX 1.6: ``python -m tests.supply.sbom > sbom.cdx.json``.

Python packages, the browser's libraries and the model; each with its version, licence and checksums.
"""

import hashlib
import json
import uuid
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from ml.bundle import DEFAULT_BUNDLE
from tests.supply.licences import licence_of
from tests.supply.pins import SERVE, Pin, Script, pins, scripts
from webapp.core.version import VERSION


def bill() -> dict[str, Any]:
    """The same for the same pins and the same model."""
    components = [
        *(_package(pin) for pin in pins(SERVE)),
        *(_script(script) for script in scripts("package-lock.json") if not script.dev),
        *_model(),
    ]
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).digest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=5)}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": "dermtriage", "name": "dermtriage", "version": VERSION}
        },
        "components": components,
        "dependencies": [{"ref": "dermtriage", "dependsOn": [component["bom-ref"] for component in components]}],
    }


def _package(pin: Pin) -> dict[str, Any]:
    try:
        licence = licence_of(distribution(pin.name))
    except PackageNotFoundError:  # needed by another Python or another machine
        licence = ""
    return _component(f"pkg:pypi/{pin.name}@{pin.version}", pin.name, pin.version, licence, "SHA-256", pin.digests)


def _script(script: Script) -> dict[str, Any]:
    address = f"pkg:npm/{script.name.replace('@', '%40')}@{script.version}"
    return _component(address, script.name, script.version, script.licence, "SHA-512", (script.digest,))


def _component(
    address: str, name: str, version: str, licence: str, kind: str, digests: tuple[str, ...]
) -> dict[str, Any]:
    """Each file of a package is a component inside it, since a component has one file's checksum."""
    found: dict[str, Any] = {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address}
    if licence:
        found["licenses"] = [{"expression": licence}]
    hashes = [{"alg": kind, "content": digest} for digest in digests]
    if len(hashes) == 1:
        return found | {"hashes": hashes}
    files = [{"type": "file", "name": f"{name}-{version}", "hashes": [one]} for one in hashes]
    return found | {"components": files}


def _model() -> list[dict[str, Any]]:
    card = json.loads((DEFAULT_BUNDLE / "card.json").read_text())
    files = sorted(path for path in DEFAULT_BUNDLE.iterdir() if path.suffix == ".onnx")
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model:{path.name}",
            "name": card["name"],
            "version": str(card.get("created", ""))[:10],
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        }
        for path in files
    ]


if __name__ == "__main__":
    print(json.dumps(bill(), indent=1))

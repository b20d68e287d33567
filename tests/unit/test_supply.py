"""The commands on what the program is made of: advisories, licences, the bill of materials."""

import json
import re

import pytest

from tests.supply import advisories, licences, sbom
from tests.supply.pins import SERVE, pins

WELL = {"name": "Flask", "version": "3.1", "vulns": []}


def test_a_package_that_was_skipped_fails_the_audit() -> None:
    skipped = {"name": "huey", "skip_reason": "Dependency not found"}
    ill = {"name": "numpy", "version": "2.0", "vulns": [{"id": "PYSEC-1"}]}
    assert advisories.problems({"dependencies": [WELL]}, ["flask"]) == []
    found = advisories.problems({"dependencies": [WELL, skipped, ill]}, ["flask", "huey", "numpy", "redis"])
    assert found == ["huey was skipped: Dependency not found", "numpy 2.0: PYSEC-1", "redis was not looked up"]


def test_an_audit_without_an_answer_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(advisories, "AUDIT", ["false"])
    assert advisories.main(["requirements-uv.txt"]) == 1
    assert "could not be asked for" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("(GPL-3.0-only OR MIT) AND BSD-3-Clause", False),
        ("(MPL-2.0 OR MIT) AND BSD-3-Clause", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-or-later", False),
        ("CC-BY-NC-4.0", False),
        ("LicenseRef-NVIDIA-Proprietary", False),
        ("", False),
    ],
)
def test_what_is_allowed(expression: str, fine: bool) -> None:
    assert licences.allowed(expression) is fine


def test_every_licence_is_allowed() -> None:
    assert licences.problems() == []


def test_a_forbidden_licence_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "OWN_WORDS", licences.OWN_WORDS | {"huey": "GPL-3.0-only"})
    assert licences.problems() == ["huey 3.5.4: GPL-3.0-only"]


def test_the_bill_names_what_serves_with_checksums() -> None:
    bill = json.loads(json.dumps(sbom.bill()))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in bill["components"]}
    assert {pin.name for pin in pins(SERVE)} <= components.keys()
    assert {"openseadragon", "bootstrap"} <= components.keys()
    assert "torch" not in components
    assert [one["type"] for one in bill["components"]].count("machine-learning-model") == 1
    refs = [component["bom-ref"] for component in bill["components"]]
    assert len(refs) == len(set(refs))
    assert sorted(bill["dependencies"][0]["dependsOn"]) == sorted(refs)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    for component in bill["components"]:
        hashes = [one for part in (component, *component.get("components", [])) for one in part.get("hashes", [])]
        assert hashes, component["name"]
        assert all(re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{128}", one["content"]) for one in hashes)
    assert sbom.bill() == bill

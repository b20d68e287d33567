"""The hazard log is current, and every control in it has a test."""

from pathlib import Path

from tests.hazard_log import LOG, hazards, page, proofs


def controls() -> list[str]:
    return [control for hazard in hazards() for control in hazard["controls"]]


def test_every_control_is_proved_and_every_mark_names_a_control() -> None:
    assert sorted(proofs()) == sorted(controls())


def test_every_control_belongs_to_its_hazard_and_is_there_once() -> None:
    assert len(set(controls())) == len(controls())
    assert all(control.startswith(f"{hazard['id']}.") for hazard in hazards() for control in hazard["controls"])


def test_the_page_is_current() -> None:
    assert LOG.read_text(encoding="utf-8") == page(hazards(), proofs()), "run make safety"


def test_the_page_claims_no_conformity() -> None:
    assert "not a medical device, and no conformity" in LOG.read_text(encoding="utf-8").splitlines()[2]


def test_a_mark_is_found_and_named(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    marked = '@pytest.mark.control("H1.1", "H2.3")\ndef test_it() -> None: ...\n'
    (tmp_path / "tests" / "test_one.py").write_text(marked, encoding="utf-8")
    named = ["tests/test_one.py::test_it"]
    assert proofs(tmp_path / "tests") == {"H1.1": named, "H2.3": named}

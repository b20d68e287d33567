"""`python -m ml evaluate` on a tiny run: printed lines, page and JSON say the same, and the page is valid HTML."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from justhtml import JustHTML

from ml.__main__ import main
from ml.backbones import BACKBONES
from ml.bundle import write_card
from ml.evaluation.criteria import CRITERIA
from ml.evaluation.table_5 import table as backbone_table
from ml.report.files import MODEL_CARD_FILE
from ml.report.page import page
from ml.report.parts import estimate
from tests.ml.evaluated import card, images_of, write_fold, write_readings, write_structures
from tests.ml.tiny_sets import write_milk

pytestmark = pytest.mark.slow


def check_html(page: str) -> None:
    found = JustHTML(page, collect_errors=True)
    assert not found.errors, found.errors[:3]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, tiny_ham: Path) -> list[str]:
    """The arguments of `evaluate`: a run of two folds, a bundle and all data sets."""
    folder = tmp_path_factory.mktemp("evaluated")
    milk = write_milk(folder / "milk.zip", 120)
    names = images_of(tiny_ham, milk)
    structures = write_structures(folder / "structures.zip")
    with zipfile.ZipFile(structures) as archive:
        marked = [line.split(",")[0] for line in archive.read("metadata.csv").decode().split()[1:]]
    for number in range(2):
        write_fold(folder / "runs", number, names[number::2], marked[number::2])
    readings = write_readings(folder / "readings.zip", {image: name for image, name, *_ in names})
    (folder / "made-1").mkdir()
    write_card(folder / "made-1", card())
    backbones = folder / "backbones.json"
    rows = backbone_table(BACKBONES[:2], {"mobilenet_v2": {"HAM10000": {"value": 0.987}}}, repetitions=0)
    backbones.write_text(json.dumps({"backbones": rows}))
    sets = {"ham": tiny_ham, "milk": milk, "readings": readings, "structures": structures, "backbones": backbones}
    options = [part for name, file in sets.items() for part in (f"--{name}", str(file))]
    return ["evaluate", str(folder / "runs"), "--bundle", str(folder / "made-1"), *options]


@pytest.fixture(scope="module")
def printed(given: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the command printed, and the folder that it wrote."""
    import contextlib
    import io

    output, stream = tmp_path_factory.mktemp("report"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(stream):
        patch.setattr("ml.evaluation.bootstrap.RESAMPLES", 50)
        assert main([*given, "--output", str(output)]) == 0
    return stream.getvalue(), output


@pytest.fixture(scope="module")
def found(printed: tuple[str, Path]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((printed[1] / "report.json").read_text(encoding="utf-8"))
    return document


def test_every_criterion_is_measured_and_printed(printed: tuple[str, Path], found: dict[str, Any]) -> None:
    unmeasured = {row["name"] for row in found["criteria"] if row["met"] is None}
    assert unmeasured == set()
    for row in found["criteria"]:
        assert re.search(re.escape(row["name"]) + r" +-?\d\.\d{3} +-?\d.*(holds|missed)", printed[0])
    assert len(found["criteria"]) == len(CRITERIA)


def test_the_page_is_valid_and_carries_the_numbers(found: dict[str, Any], printed: tuple[str, Path]) -> None:
    shown = (printed[1] / "report.html").read_text(encoding="utf-8")
    check_html(shown)
    assert page(found) == shown
    assert "5 &lt; 6" in shown
    assert found["bundle"] in shown
    for figure in (
        found["diagnosis"]["HAM10000"]["BCC: AUC"],
        found["other_views"]["4"]["MILK10k"]["SCC: AUC"],
        found["shipped"]["BCC"]["MILK10k"]["sensitivity"],
        found["patterns"]["mean_correlation"],
        found["pigment_network"]["auc"],
        found["gate"]["sources"]["close-up"]["sent"],
        found["maps"]["readers"]["BCC"]["ratio"],
        found["lesion_types"]["HAM10000"]["types"]["nv"]["f1"],
    ):
        assert estimate(figure) in shown
    assert "<td>0.987</td>" in shown
    assert "not trained here" in shown
    assert "too few" in shown
    assert "<script" not in shown
    assert "http" not in shown.replace("http://www.w3.org/2000/svg", "")
    names = re.findall(r'\bid="([^"]+)"', shown)
    assert len(set(names)) == len(names)


def test_table_3_has_bcc_and_the_seven_beside_the_papers_figures(
    found: dict[str, Any], printed: tuple[str, Path]
) -> None:
    rows = {(row["finding"], row["measured_on"]): row for row in found["table_3"]}
    assert {finding for finding, _ in rows} == {"BCC", "SCC", "PN", "U", "ON", "MG", "ML", "SW", "AT"}
    assert "recall" in rows["U", "images that were read"]["figures"]
    assert rows["PN", "experts' labels"]["positives"] == 6
    assert re.search(r"BCC +the paper's own images +n/a +0\.890 +n/a +0\.900", printed[0])


def test_maps_are_the_served_ones_and_incorrect_predictions_stand_apart(found: dict[str, Any]) -> None:
    assert found["maps"]["served"]
    assert {"BCC, readers' cells", "BCC, lesion masks", "PN, experts' masks"} <= set(found["table_4"])
    calls = found["table_4"]["U, readers' cells"]["calls"]
    assert calls["correct"]["lesions"] + calls["incorrect"]["lesions"] == found["maps"]["readers"]["U"]["images"]
    assert found["maps"]["lesions"]["images"] == 20


def test_naevi_that_nobody_read_count_too(found: dict[str, Any]) -> None:
    assert found["patterns"]["naevi"] == 40


def test_the_model_card_is_written_beside_the_report(found: dict[str, Any], printed: tuple[str, Path]) -> None:
    shown = (printed[1] / MODEL_CARD_FILE).read_text(encoding="utf-8")
    assert shown.startswith("# Model card: made-1\n")
    assert estimate(found["diagnosis"]["MILK10k"]["BCC: AUC"]) in shown


def test_one_section_can_be_measured_alone(
    given: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.evaluation.bootstrap.RESAMPLES", 5)
    assert main([*given, "--section", "gate"]) == 0
    shown = capsys.readouterr().out
    assert "\nGate\n" in shown
    assert "\nSubgroups\n" not in shown
    assert main([*given, "--section", "gates"]) == 2
    assert "There is no section gates; there are diagnosis, table-3" in capsys.readouterr().err


def test_without_bundle_and_outputs_the_maps_are_the_cells(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.evaluation.bootstrap.RESAMPLES", 5)
    runs = tmp_path / "runs"
    for fold in Path(given[1]).iterdir():
        (runs / fold.name).mkdir(parents=True)
        for file in fold.glob("*.npz"):
            if file.name != "outputs.npz":
                (runs / fold.name / file.name).write_bytes(file.read_bytes())
    command = ["evaluate", str(runs), *given[4:], "--section", "maps", "gate", "--output", str(tmp_path / "out")]
    assert main(command) == 0
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert document["bundle"] is None
    assert document["maps"]["served"] is False
    assert document["maps"]["readers"]["BCC"]["images"] > 0
    assert document["gate"] == {}
    assert not (tmp_path / "out" / MODEL_CARD_FILE).exists()
    check_html((tmp_path / "out" / "report.html").read_text())
    assert "What the pattern heads say of 4 × 4 cells" in capsys.readouterr().out


def test_unusable_arguments_are_refused(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path), *given[4:]]) == 2
    assert "no finished fold" in capsys.readouterr().err
    file = tmp_path / "backbones.json"
    file.write_text("{}")
    assert main([*given, "--backbones", str(file)]) == 2
    assert "is not the output of `python -m ml backbones --json`" in capsys.readouterr().err
    assert main(["evaluate", *given[1:4]]) == 2
    assert "takes --ham and --milk" in capsys.readouterr().err


def test_without_runs_the_bundles_own_report_is_shown(
    given: list[str], printed: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_card(tmp_path, card())
    (tmp_path / "report.json").write_bytes((printed[1] / "report.json").read_bytes())
    assert main(["evaluate", "--bundle", str(tmp_path)]) == 0
    assert printed[0].startswith(capsys.readouterr().out.rstrip())
    assert main(["evaluate", "--bundle", given[3]]) == 2
    assert "not a readable report" in capsys.readouterr().err

"""The consensus command: ratings in, reference and agreement out, files never lost."""

import argparse
import csv
import json
from pathlib import Path

import pytest

from ml.consensus import RatingsError, add_arguments, read_ratings, run
from ml.patterns import Pattern


def written(folder: Path, *lines: str, header: str = "image,rater,pattern,value") -> Path:
    path = folder / "ratings.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(list(words)))


def test_ratings_are_read_with_blanks_as_missing(tmp_path: Path):
    ratings = read_ratings(written(tmp_path, "a,r1,PN,1", "a,r2,PN,", "b,r2,AT,0,,", ""))
    assert ratings.images == ("a", "b")
    assert ratings.raters == ("r1", "r2")
    assert ratings.of(Pattern.PN).tolist() == [[1, -1], [-1, -1]]
    assert ratings.of(Pattern.AT).tolist() == [[-1, -1], [-1, 0]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,r1,PN,1", "a,r1,XX,1"], r"Row 3: 'XX' is no pattern; known are PN, U"),
        (["a,r1,PN,yes"], r"Row 2: 'yes' is no rating"),
        (["a,r1,PN,1", ",r1,PN,1"], r"Row 3: the image is empty"),
        (["a,,PN,1"], r"Row 2: the rater is empty"),
        (["a,r1,PN"], r"Row 2: 3 fields are too few"),
        (["a,r1,PN,1", "b,r1,PN,1", "a,r1,PN,0"], r"Row 4: repeats .* of row 2"),
        ([], r"no rating"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, lines: list[str], message: str):
    with pytest.raises(RatingsError, match=message):
        read_ratings(written(tmp_path, *lines))


def test_a_missing_column_is_named(tmp_path: Path):
    with pytest.raises(RatingsError, match="Row 1: the header lacks the column value"):
        read_ratings(written(tmp_path, "a,r1,PN", header="image,rater,pattern"))


def test_a_file_that_is_not_text_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "ratings.csv").write_bytes(b"PK\x03\x04\xff\xfe a spreadsheet")
    assert command(str(tmp_path / "ratings.csv"), "-o", str(tmp_path / "reference.csv")) == 2
    assert "ratings.csv: Row 1: a character is neither UTF-8 nor UTF-16" in capsys.readouterr().err
    assert not (tmp_path / "reference.csv").exists()


def test_blanks_alone_give_no_consensus(tmp_path: Path):
    output = tmp_path / "reference.csv"
    assert command(str(written(tmp_path, "a,r1,PN,", "a,r2,PN,")), "-o", str(output)) == 0
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert {(row["posterior"], row["label"], row["ratings"]) for row in rows} == {("", "", "0")}


def test_the_command_writes_reference_and_agreement(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    votes = {"a": "111", "b": "110", "c": "000", "d": "001", "e": ["", "", ""]}
    lines = [f"{image},r{rater},PN,{vote}" for image, given in votes.items() for rater, vote in enumerate(given)]
    output, figures = tmp_path / "reference.csv", tmp_path / "agreement.json"
    assert command(str(written(tmp_path, *lines)), "-o", str(output), "--agreement", str(figures)) == 0
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 5 * len(Pattern)
    network = {row["image"]: row for row in rows if row["pattern"] == "PN"}
    assert [network[image]["label"] for image in "abcde"] == ["1", "1", "0", "0", ""]
    assert [network[image]["ratings"] for image in "abcde"] == ["3", "3", "3", "3", "0"]
    assert float(network["a"]["posterior"]) > 0.9
    assert {row["posterior"] + row["label"] for row in rows if row["pattern"] != "PN"} == {""}
    found = json.loads(figures.read_text(encoding="utf-8"))["PN"]
    assert [pair["raters"] for pair in found["cohen_kappa"]] == [["r0", "r1"], ["r0", "r2"], ["r1", "r2"]]
    assert found["fleiss_kappa"] == pytest.approx(1 / 3)
    assert "PN: prevalence" in capsys.readouterr().out


def test_the_command_names_the_file_and_the_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert command(str(written(tmp_path, "a,r1,PN,2"))) == 2
    assert "ratings.csv: Row 2" in capsys.readouterr().err
    assert command(str(tmp_path / "none.csv")) == 2


def test_a_tie_is_written_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "reference.csv"
    assert command(str(written(tmp_path, "a,r1,AT,1", "a,r2,AT,0", "b,r1,AT,1", "b,r2,AT,0")), "-o", str(output)) == 0
    rows = [row for row in csv.DictReader(output.read_text(encoding="utf-8").splitlines()) if row["pattern"] == "AT"]
    assert [(row["label"], row["ratings"]) for row in rows] == [("undecided", "2")] * 2
    assert "2 undecided" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["-o", "ratings.csv"], ["-o", "./ratings.csv"], ["--agreement", "ratings.csv"]])
def test_the_ratings_are_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
):
    before = written(tmp_path, "a,r1,PN,1", "a,r2,PN,1").read_bytes()
    monkeypatch.chdir(tmp_path)
    assert command("ratings.csv", *words) == 2
    assert "would replace the ratings" in capsys.readouterr().err
    assert Path("ratings.csv").read_bytes() == before
    assert command("ratings.csv", "-o", "one", "--agreement", "one") == 2
    assert not Path("one").exists()


def test_of_very_many_raters_only_the_summary_is_written(tmp_path: Path):
    lines = [f"{image},r{rater},PN,{(image + rater % 3) % 2}" for image in range(3) for rater in range(101)]
    figures = tmp_path / "agreement.json"
    assert command(str(written(tmp_path, *lines)), "-o", str(tmp_path / "r.csv"), "--agreement", str(figures)) == 0
    found = json.loads(figures.read_text(encoding="utf-8"))["PN"]
    assert found["cohen_kappa"] == []
    assert found["cohen_kappas"]["pairs"] == 101 * 100 // 2
    assert found["cohen_kappas"]["max"] == 1

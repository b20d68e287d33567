"""One reader for every table, however it was saved."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ml.consensus import consensus_by_pattern, counts_of, fleiss_kappa, read_ratings
from ml.data.ham10000 import Ham10000
from ml.patterns import Lesion, Pattern
from ml.tables import TableError, read_table

PLAIN = "image,rater,value\na,r1,1\nb,r 2,0\n"
READ = [{"image": "a", "rater": "r1", "value": "1"}, {"image": "b", "rater": "r 2", "value": "0"}]


def rows(content: bytes) -> list[dict[str, str]]:
    return [dict(row.fields) for row in read_table(content, ("image", "value"))]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-16-le"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        ("sep=;\r\n" + PLAIN.replace(",", ";")).encode(),
        ('"sep=|"\n' + PLAIN.replace(",", "|")).encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace("\n", ",,,\n").encode() + b",,,,,\n\n,,,\n",
        PLAIN.replace("image", " Image\u200b").replace("r 2", "\u00a0r\u00a02\u00a0").replace("\u00a02", " 2").encode(),
        b'"image","rater","value"\n"a","r1","1"\n"b","r 2","0"\n',
        b"image,value,rater,value\na,1,r1,1\nb,0,r 2,0\n",
    ],
)
def test_it_is_read_the_same_however_it_was_saved(content: bytes) -> None:
    assert rows(content) == READ


@pytest.mark.parametrize("form", ["le\u0301sion", "l\u00e9sion", "\u00a0l\u00e9sion\u200b", "\ufeffl\u00e9sion"])
def test_a_name_is_one_name_however_it_is_composed(form: str) -> None:
    assert rows(f"image,value\n{form},1\n".encode())[0]["image"] == "l\u00e9sion"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Row 1: the header lacks the column image, value"),
        (b"image;rater\na;1\n", "Row 1: the header lacks the column value"),
        (b"sep=;\nimage;rater\n", "Row 2: the header lacks the column value"),
        ("image,value\na,1\nl\u00e9sion,1\n".encode("cp1252"), "Row 3: a character is neither UTF-8 nor UTF-16"),
        (b"image,value\na\n", "Row 2: 1 fields are too few; the header has 2"),
        (b"image,value\na,b,1\n", "Row 2: 3 fields are too many; the header has 2"),
        (b"image,value,value\na,1,1\nb,1,0\n", "Row 3: ambiguous, because two columns named value say '1' and '0'"),
        (b'image,value\na,1\nb,"1\n', "Row 3: unexpected end of data"),
        (b"sep=;\nimage;value\na\n", "Row 3: 1 fields"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_cause(content: bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        rows(content)


def test_the_number_of_a_row_is_its_line_in_the_file() -> None:
    content = b'image,value\n\n"a\nb",1\nc,2\n'
    assert [row.number for row in read_table(content, ("image",))] == [4, 5]


@pytest.mark.parametrize("name", ["plain", "semicolon", "utf16", "blank_columns"])
def test_ratings_from_spreadsheets_are_read(cases: Path, name: str) -> None:
    ratings = read_ratings(cases / "ratings" / f"{name}.csv")
    assert fleiss_kappa(counts_of(ratings.of(Pattern.AT), 2).sum(axis=1)) == pytest.approx(1 / 3)


def test_one_image_under_two_compositions_is_one(cases: Path) -> None:
    ratings = read_ratings(cases / "ratings" / "nfd_image.csv")
    assert len(ratings.images) == 2
    assert fleiss_kappa(counts_of(ratings.of(Pattern.AT), 2).sum(axis=1)) == pytest.approx(0.25)


def test_contradicting_columns_are_refused(cases: Path) -> None:
    with pytest.raises(ValueError, match="Row 2: ambiguous"):
        read_ratings(cases / "ratings" / "two_value_columns.csv")


def test_ties_are_undecided(cases: Path) -> None:
    found = consensus_by_pattern(read_ratings(cases / "ratings" / "tie.csv"))[Pattern.AT]
    assert np.allclose(found.posterior, 0.5)
    assert found.labels.tolist() == [-1, -1]


def test_a_byte_order_mark_is_no_part_of_a_name(cases: Path) -> None:
    (record,) = Ham10000(cases / "metadata_bom").records
    assert (record.image_id, record.group, record.lesion) == ("ISIC_1", "L1", Lesion.BCC)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_metadata_saved_by_a_spreadsheet_is_read(cases: Path, tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "ham"
    shutil.copytree(cases / "metadata_bom", folder)
    text = (folder / "metadata.csv").read_text(encoding="utf-8-sig").replace(",", ";")
    (folder / "metadata.csv").write_text(text, encoding=encoding)
    assert [record.image_id for record in Ham10000(folder).records] == ["ISIC_1"]

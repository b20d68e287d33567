"""MILK10k's reader, and how its names for lesion types become ours."""

from pathlib import Path

import pytest

from ml.data.diagnoses import diagnosis
from ml.data.milk10k import Milk10k
from ml.data.records import DataError
from ml.patterns import Lesion
from tests.ml.tiny_sets import write_milk


@pytest.fixture(scope="module")
def milk(tmp_path_factory: pytest.TempPathFactory) -> Milk10k:
    return Milk10k(write_milk(tmp_path_factory.mktemp("milk") / "milk.zip"))


def test_a_row_becomes_a_record_of_its_lesion(milk: Milk10k) -> None:
    record = milk.records[1]
    assert (record.image_id, record.group, record.age, record.site) == ("ISIC_0000501", "IL_0000001", 60.0, "trunk")
    assert milk.records[0].age is None
    assert milk.image(record).size == (64, 64)


def test_types_that_ham10000_lacks_are_kept_apart(milk: Milk10k) -> None:
    found = [record.lesion for record in milk.records[:4]]
    assert found == [Lesion.BCC, Lesion.SCC, Lesion.BCC, Lesion.OTHER]
    assert [record.lesion for record in milk.records[:4]] == [Lesion.BCC, Lesion.SCC, Lesion.BCC, Lesion.OTHER]


def test_skin_tone_and_close_up_may_be_missing(milk: Milk10k) -> None:
    first, last = milk.records[0], milk.records[-1]
    assert milk.skin_tone(first) is None
    assert milk.skin_tone(milk.records[5]) == 5
    assert milk.close_up(first).size == (64, 64)
    assert milk.has_close_up(first)
    assert not milk.has_close_up(last)
    with pytest.raises(DataError, match="close-up"):
        milk.close_up(last)


def test_another_zip_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="MILK10k folder or zip"):
        Milk10k(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("SCCKA", Lesion.SCC), ("ak", Lesion.AKIEC), ("INF", Lesion.OTHER), ("NV", Lesion.NV)],
)
def test_every_name_has_one_meaning(name: str, expected: Lesion) -> None:
    assert diagnosis(name) is expected


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="wart"):
        diagnosis("wart")


def test_the_real_set_is_as_described(shared: Path) -> None:
    found = Milk10k(shared / "data" / "milk10k_320.zip")
    types = [record.lesion for record in found.records]
    assert (len(types), types.count(Lesion.BCC), types.count(Lesion.SCC)) == (3428, 1905, 367)
    assert len({record.group for record in found.records}) == 3428

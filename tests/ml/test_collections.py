"""Groups and folds over several collections."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ml.data.collections import CLINICS, HAM, MILK, Collection, fold_of, read_collections, read_pairs
from ml.data.records import DataError
from tests.ml.tiny_sets import write_clinics, write_milk


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, tiny_ham: Path) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("sets")
    return tiny_ham, write_milk(folder / "milk.zip", 40), write_clinics(folder / "clinics.zip")


def read(files: tuple[Path, Path, Path], pairs: str, folder: Path) -> dict[str, Collection]:
    listed = folder / "pairs.csv"
    listed.write_text(f"first,second\n{pairs}")
    return {each.name: each for each in read_collections(*files, listed)}


def test_what_shows_the_same_lesion_is_one_group_across_collections(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    found = read(files, "ISIC_0000003,ISIC_0000500\nISIC_0000500,ISIC_0000504\n", tmp_path)
    ham = next(item for item in found[HAM].items if item.image_id == "ISIC_0000003")
    milk = [item for item in found[MILK].items if item.image_id in ("ISIC_0000500", "ISIC_0000504")]
    assert {ham.group} == {item.group for item in milk}
    fold = fold_of([*found[HAM].items, *found[MILK].items], seed=1)
    assert len({fold[item.group] for item in [ham, *milk]}) == 1


def test_an_image_of_isic_2019_that_pairs_with_another_collection_is_left_out(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    whole, less = read(files, "", tmp_path), read(files, "ISIC_0000901,ISIC_0000500\n", tmp_path)
    assert len(whole[CLINICS].items) - len(less[CLINICS].items) == 1
    assert len(less[MILK].items) == len(whole[MILK].items)


def test_each_fold_holds_out_a_fifth_of_every_type_of_every_collection(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    found = read(files, "", tmp_path)
    items = [*found[HAM].items, *found[MILK].items]
    fold = fold_of(items, seed=1)
    for kind in {(item.collection, item.diagnosis) for item in items}:
        sizes = Counter(fold[item.group] for item in items if (item.collection, item.diagnosis) == kind)
        assert len(sizes) == 5
        assert max(sizes.values()) - min(sizes.values()) <= 1
    assert fold == fold_of(items[::-1], seed=1)
    assert fold != fold_of(items, seed=2)


def test_pixels_are_kept_and_read_again(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    milk = read(files, "", tmp_path)[MILK]
    first = milk.pixels(32, tmp_path / "cache")
    assert first.shape == (40, 32, 32, 3)
    assert np.array_equal(first, milk.pixels(32, tmp_path / "cache"))
    assert np.array_equal(first, milk.pixels(32))
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_list_of_pairs_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="first and second"):
        read_pairs(tmp_path / "pairs.csv")

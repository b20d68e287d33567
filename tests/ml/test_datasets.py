"""Splits are by lesion, balanced and reproducible."""

import random
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from ml.data.ham10000 import Ham10000
from ml.data.records import DataError, Record
from ml.data.splits import FOLDS, Split, assign_folds, split_by_lesion
from ml.patterns import Lesion


def records(lesions: int = 400) -> list[Record]:
    """One to three images per lesion, every fifth lesion a BCC."""
    return [
        Record(f"{number}-{image}", str(number), Lesion.BCC if number % 5 == 0 else Lesion.NV, "", None, "")
        for number in range(lesions)
        for image in range(number % 3 + 1)
    ]


def test_no_lesion_is_in_two_splits_and_none_is_lost() -> None:
    everything = records()
    parts = split_by_lesion(everything, seed=1)
    groups = [{record.group for record in part} for part in parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 400
    assert sorted(r.image_id for part in parts.values() for r in part) == sorted(r.image_id for r in everything)


def test_every_split_has_its_share_of_each_lesion_type() -> None:
    for lesion, expected in ((Lesion.BCC, 80), (Lesion.NV, 320)):
        parts = split_by_lesion(records(), seed=1)
        sizes = {split: len({r.group for r in part if r.lesion is lesion}) for split, part in parts.items()}
        assert sizes == {Split.TRAIN: 0.65 * expected, Split.VALIDATION: 0.15 * expected, Split.TEST: 0.2 * expected}


def test_five_folds_test_every_lesion_once() -> None:
    everything, twentieths = records(), assign_folds(records(), seed=1)
    tested: list[str] = []
    for fold in range(5):
        parts = split_by_lesion(everything, seed=1, fold=fold)
        sizes = {split: len({record.group for record in part}) for split, part in parts.items()}
        assert sizes == {Split.TRAIN: 260, Split.VALIDATION: 60, Split.TEST: 80}
        assert {twentieths[r.group] for r in parts[Split.TEST]} == {4 * fold + k for k in range(4)}
        assert {twentieths[r.group] for r in parts[Split.VALIDATION]} == {(4 * fold + k) % FOLDS for k in (4, 5, 6)}
        tested += [record.image_id for record in parts[Split.TEST]]
    assert sorted(tested) == sorted(record.image_id for record in everything)
    assert split_by_lesion(everything, seed=1) == split_by_lesion(everything, seed=1, fold=0)


def test_the_split_is_the_one_that_shipped_cards_were_measured_on() -> None:
    parts = split_by_lesion(records(40), seed=1)
    assert sorted({int(record.group) for record in parts[Split.TEST]}) == [5, 20, 21, 24, 30, 31, 35, 37]
    assert sorted({int(record.group) for record in parts[Split.VALIDATION]}) == [0, 3, 10, 23, 25, 34]


def test_the_split_depends_on_the_seed_alone() -> None:
    shuffled = records()
    random.Random(1).shuffle(shuffled)
    assert assign_folds(records(), seed=1) == assign_folds(shuffled, seed=1)
    assert assign_folds(records(), seed=1) != assign_folds(records(), seed=2)
    assert assign_folds(records(3), seed=1) == {"0": 0, "1": 2, "2": 1}  # pinned: shipped cards rely on it


def test_folds_are_even() -> None:
    sizes = Counter(assign_folds(records(), seed=3).values())
    assert set(sizes) == set(range(FOLDS))
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_a_zip_reads_like_its_folder(tiny_ham: Path, tmp_path: Path) -> None:
    archive = tmp_path / "tiny.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(tiny_ham.rglob("*.*")):
            target.write(file, file.relative_to(tiny_ham))
    folder, zipped = Ham10000(tiny_ham), Ham10000(archive)
    assert folder.records == zipped.records
    assert folder.image(folder.records[7]) == zipped.image(zipped.records[7])


def test_anything_but_the_data_set_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "wrong.zip").write_bytes(b"no zip")
    (tmp_path / "metadata.csv").write_text("a,b\n1,2\n")
    for path in (tmp_path / "wrong.zip", tmp_path / "missing", tmp_path):
        with pytest.raises(DataError, match="is not the HAM10000"):
            Ham10000(path)


def test_real_metadata(ham: Ham10000) -> None:
    parts = split_by_lesion(ham.records, seed=1)
    assert sum(map(len, parts.values())) == 10_015
    assert len({record.group for record in ham.records}) == 7_469  # 7,470 lesions, two of them the same
    copies = [s for s, part in parts.items() for r in part if r.image_id in ("ISIC_0025226", "ISIC_0030074")]
    assert len(set(copies)) == 1
    assert {s: len({r.group for r in part if r.bcc}) for s, part in parts.items()} == {
        Split.TRAIN: 215,
        Split.VALIDATION: 48,
        Split.TEST: 64,
    }


def test_images_of_a_lesion_and_near_copies_are_one_group(tmp_path: Path) -> None:
    """HAM_0000140 and HAM_0004919 are two names for one lesion."""
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
    lesions = ["HAM_1", "HAM_1", "HAM_0000140", "HAM_0004919"]
    rows = [f"{lesion},ISIC_{number},nv,histo,,male,back\n" for number, lesion in enumerate(lesions)]
    (tmp_path / "metadata.csv").write_text(header + "".join(rows))
    first, second, third, fourth = (record.group for record in Ham10000(tmp_path).records)
    assert first == second != third == fourth


def test_an_unreadable_image_is_named(tiny_ham: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "metadata.csv").write_bytes((tiny_ham / "metadata.csv").read_bytes())
    (tmp_path / "images" / "ISIC_0000000.jpg").write_bytes(b"")
    data = Ham10000(tmp_path)
    for record, words in zip(data.records[:2], ("The file is empty", "No such file"), strict=True):
        with pytest.raises(DataError, match=f"{record.image_id}.*{words}"):
            data.image(record)

"""What every data set's reader does."""

import zipfile
from pathlib import Path

import pytest

from ml.data.ham10000 import Ham10000
from ml.data.records import DataError


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
    assert len(ham.records) == 10_015
    assert len({record.group for record in ham.records}) == 7_469  # 7,470 lesions, two of them the same
    assert len({record.group for record in ham.records if record.bcc}) == 327


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

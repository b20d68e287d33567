"""The image store: returns exactly what was stored, or an error, never anything else."""

import shutil
from pathlib import Path

import pytest

from webapp.core.config import ConfigurationError, Settings
from webapp.storage.errors import StorageError, StoreAwayError
from webapp.storage.local import LocalFolder
from webapp.storage.store import ImageStore, open_store

OLD, NEW = bytes(32), bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def store(folder: Path) -> ImageStore:
    return ImageStore(LocalFolder(folder), {"old": OLD})


def the_file(folder: Path, key: str) -> Path:
    return folder / key[:2] / key


def test_what_goes_in_comes_out_and_lies_there_encrypted(store: ImageStore, folder: Path) -> None:
    data = b"pixels of a lesion" * 100
    key = store.put(data)
    assert store.get(key) == data
    assert b"pixels" not in the_file(folder, key).read_bytes()


def test_the_same_data_twice_gives_two_unlike_objects(store: ImageStore, folder: Path) -> None:
    one, two = store.put(b"same"), store.put(b"same")
    assert one != two
    assert the_file(folder, one).read_bytes()[-20:] != the_file(folder, two).read_bytes()[-20:]


def test_a_failed_write_leaves_nothing(store: ImageStore, folder: Path, monkeypatch) -> None:
    def full(_path: Path, _target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreAwayError, match="no space"):
        store.put(b"data")
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_every_single_changed_byte_is_noticed(store: ImageStore, folder: Path) -> None:
    key = store.put(b"data")
    path = the_file(folder, key)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(StorageError):
            store.get(key)


def test_every_truncation_is_noticed(store: ImageStore, folder: Path) -> None:
    key = store.put(b"data")
    whole = the_file(folder, key).read_bytes()
    for length in range(len(whole)):
        the_file(folder, key).write_bytes(whole[:length])
        with pytest.raises(StorageError):
            store.get(key)


def test_an_object_moved_to_another_name_is_refused(store: ImageStore, folder: Path) -> None:
    one, two = store.put(b"patient one"), store.put(b"patient two")
    shutil.copy(the_file(folder, one), the_file(folder, two))
    with pytest.raises(StorageError, match="damaged"):
        store.get(two)


def test_a_new_key_encrypts_and_the_old_one_still_reads(store: ImageStore, folder: Path) -> None:
    before = store.put(b"before")
    rotated = ImageStore(LocalFolder(folder), {"new": NEW, "old": OLD})
    after = rotated.put(b"after")
    assert rotated.get(before) == b"before"
    with pytest.raises(StorageError, match="'new'"):
        store.get(after)


def test_the_wrong_key_under_the_right_id_is_refused(store: ImageStore, folder: Path) -> None:
    key = store.put(b"data")
    with pytest.raises(StorageError, match="old"):
        ImageStore(LocalFolder(folder), {"old": NEW}).get(key)


def test_a_missing_object_is_an_error_and_deleting_it_twice_is_not(store: ImageStore) -> None:
    key = store.put(b"data")
    store.delete(key)
    store.delete(key)
    with pytest.raises(StorageError, match="missing"):
        store.get(key)


@pytest.mark.parametrize("key", ["", "../secret", "/etc/passwd", "a/b", "..", "a\0b", "a.b"])
def test_a_key_that_is_a_path_is_refused(store: ImageStore, key: str) -> None:
    with pytest.raises(StorageError, match="not a key"):
        store.get(key)
    with pytest.raises(StorageError, match="not a key"):
        store.delete(key)


@pytest.mark.parametrize(
    "url",
    [
        "s3:///prefix",
        "s3://bucket?endpoint=host:9000",
        "s3://bucket?secret=x",
        "/folder",
        "file://elsewhere/folder",
        "ftp://x",
        "",
    ],
)
def test_a_store_that_this_version_does_not_know_is_refused(settings: Settings, url: str) -> None:
    with pytest.raises(ConfigurationError, match="STORAGE_URL"):
        open_store(settings.model_copy(update={"storage_url": url}))


def test_a_folder_with_a_space_in_its_name_works(settings: Settings, tmp_path: Path) -> None:
    store = open_store(settings.model_copy(update={"storage_url": f"file://{tmp_path}/two%20words"}))
    store.put(b"data")
    assert (tmp_path / "two words").is_dir()

"""The image store: returns exactly what was stored, or an error, never anything else."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from webapp.core.config import ConfigurationError, Settings
from webapp.storage.errors import StorageError, StoreAwayError
from webapp.storage.local import MARKER, SCARCE_BYTES, LocalFolder
from webapp.storage.store import ImageStore, open_store

OLD, NEW = bytes(32), bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def store(folder: Path) -> ImageStore:
    blobs = LocalFolder(folder)
    blobs.mark()
    return ImageStore(blobs, {"old": OLD})


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
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [MARKER]


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOTCONN])
@pytest.mark.parametrize("of_what", ["read", "delete"])
def test_what_the_disk_says_is_no_fault_of_the_object(
    store: ImageStore, monkeypatch: pytest.MonkeyPatch, number: int, of_what: str
) -> None:
    key = store.put(b"data")

    def fails(*_: object, **__: object) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fails)
        patch.setattr(Path, "unlink", fails)
        with pytest.raises(StoreAwayError, match=os.strerror(number)):
            store.get(key) if of_what == "read" else store.delete(key)
    assert store.get(key) == b"data"


def test_beneath_a_disk_that_is_not_mounted_nothing_is_written_and_nothing_counts_as_lost(
    store: ImageStore, folder: Path
) -> None:
    key = store.put(b"data")
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    for attempt in (
        lambda: store.put(b"more"),
        lambda: store.get(key),
        lambda: store.delete(key),
        lambda: list(store.keys()),
        store.reach,
    ):
        with pytest.raises(StoreAwayError, match="Is its disk mounted"):
            attempt()
    assert list(folder.iterdir()) == []
    folder.rmdir()
    folder.with_name("elsewhere").rename(folder)
    assert store.get(key) == b"data"


def test_a_new_folder_is_marked_and_a_former_one_by_what_it_holds(store: ImageStore, folder: Path) -> None:
    key = store.put(b"data")
    (folder / MARKER).unlink()
    with pytest.raises(StoreAwayError, match="none of the images"):
        store.settle(["0" * 32])
    before = store.in_use
    store.settle(["0" * 32, key])
    assert (before, store.in_use) == (False, True)
    new = ImageStore(LocalFolder(folder / "new"), {"old": OLD})
    new.settle([])
    assert new.in_use


def test_no_room_for_one_more_image_is_not_ready(store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.reach()
    monkeypatch.setattr(LocalFolder, "space", lambda _self: (SCARCE_BYTES - 1, 2**40))
    with pytest.raises(StoreAwayError, match="only 31 MB are left"):
        store.reach()


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
    store.settle([])
    store.put(b"data")
    assert (tmp_path / "two words").is_dir()

"""The image store in a bucket, with a real server over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests import s3
from webapp.core.config import Settings
from webapp.storage import s3 as object_store
from webapp.storage.errors import StorageError, StoreAwayError
from webapp.storage.store import ImageStore, open_store


@pytest.fixture(scope="module")
def server() -> Iterator[s3.Server]:
    with s3.running("images") as server:
        yield server


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def at(settings: Settings, url: str) -> ImageStore:
    return open_store(settings.model_copy(update={"storage_url": url}))


@pytest.fixture
def store(settings: Settings, server: s3.Server, request: pytest.FixtureRequest) -> ImageStore:
    return at(settings, server.url("images", request.node.name))


def test_what_goes_in_comes_out_and_lies_there_encrypted(store: ImageStore) -> None:
    data = b"pixels of a lesion" * 100_000
    key = store.put(data)
    assert store.get(key) == data
    assert b"pixels" not in store.blobs.read(key)


def test_a_changed_or_moved_object_is_noticed(store: ImageStore) -> None:
    one, two = store.put(b"patient one"), store.put(b"patient two")
    whole = store.blobs.read(one)
    store.blobs.write(one, whole[:-1] + bytes([whole[-1] ^ 1]))
    store.blobs.write(two, whole)
    for key in (one, two):
        with pytest.raises(StorageError, match="damaged"):
            store.get(key)


def test_a_missing_object_is_an_error_and_deleting_it_twice_is_not(store: ImageStore) -> None:
    key = store.put(b"data")
    store.delete(key)
    store.delete(key)
    with pytest.raises(StorageError, match="missing") as missing:
        store.get(key)
    assert not isinstance(missing.value, StoreAwayError)


def test_keys_are_those_of_its_own_prefix_with_their_time(
    store: ImageStore, settings: Settings, server: s3.Server
) -> None:
    at(settings, server.url("images", "others")).put(b"not here")
    expected = {store.put(b"data") for _ in range(3)}
    found = dict(store.keys())
    assert set(found) == expected
    assert all(abs(datetime.now(UTC) - written) < timedelta(hours=1) for written in found.values())


def test_it_does_not_tell_how_much_room_is_left(store: ImageStore) -> None:
    assert store.space() is None


@pytest.mark.parametrize("key", ["", "../secret", "a/b", "..", "a.b", "ä"])
def test_a_key_that_is_a_path_is_refused(store: ImageStore, key: str) -> None:
    with pytest.raises(StorageError, match="not a key"):
        store.get(key)


def test_a_bucket_that_does_not_exist_is_the_stores_fault(settings: Settings, server: s3.Server) -> None:
    store = at(settings, server.url("forgotten"))
    for use in (lambda: store.put(b"data"), lambda: store.get("abc"), lambda: next(store.keys())):
        with pytest.raises(StoreAwayError):
            use()


def test_a_server_that_is_away_is_asked_again_and_then_named(settings: Settings, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "RETRIES", 1)
    with s3.running("images") as server:
        store = at(settings, server.url("images"))
        key = store.put(b"data")
        server.stop()
        with pytest.raises(StoreAwayError) as away:
            store.get(key)
        assert str(server.port) not in str(away.value), "addresses belong in no message"
        store.discard(key)
        server.start("images")
        assert store.get(store.put(b"again")) == b"again"

"""The encrypted image store: complete objects under keys made here, written atomically, checked on reading.

An object is ``DT1`` + length and text of the key id + 12-byte nonce + AES-256-GCM ciphertext; its name is authenticated
with it, so an object moved to another name cannot be read.
"""

import hashlib
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app

from webapp.core.config import ConfigurationError, Settings
from webapp.storage.errors import StorageError, StoreAwayError
from webapp.storage.local import SCARCE_BYTES, LocalFolder
from webapp.storage.s3 import Bucket

log = logging.getLogger(__name__)

MAGIC = b"DT1"
NONCE_BYTES = 12


class Blobs(Protocol):
    """Where the ciphertext is kept: LocalFolder or Bucket, by the scheme of STORAGE_URL."""

    @property
    def marked(self) -> bool: ...
    def mark(self) -> None: ...
    def write(self, key: str, data: bytes) -> None: ...
    def read(self, key: str) -> bytes: ...
    def delete(self, key: str) -> None: ...
    def keys(self) -> Iterator[tuple[str, datetime]]: ...
    def space(self) -> tuple[int, int] | None: ...


class ImageStore:
    """Encrypts on the way in and decrypts on the way out; the first key encrypts, all keys decrypt."""

    def __init__(self, blobs: Blobs, keys: Mapping[str, bytes]) -> None:
        self.blobs = blobs
        self.ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current_key = next(iter(keys))

    def put(self, data: bytes) -> str:
        """Store ``data`` under a new random key and return that key."""
        key = secrets.token_hex(16)
        self.blobs.write(key, self._sealed(key, data))
        return key

    def _sealed(self, key: str, data: bytes) -> bytes:
        nonce, key_id = secrets.token_bytes(NONCE_BYTES), self.current_key.encode()
        sealed = self.ciphers[self.current_key].encrypt(nonce, data, key.encode())
        return MAGIC + bytes([len(key_id)]) + key_id + nonce + sealed

    def get(self, key: str, sha256: str | None = None) -> bytes:
        """Raises StorageError if the object is missing, damaged, under an unknown key, or has another ``sha256``."""
        data = self._opened(key, self.blobs.read(key))
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise StorageError(f"object {key} is intact but does not match its row (wrong SHA-256)")
        return data

    def reseal(self, key: str) -> bool:
        """Re-encrypt the object with the first key; False if it already is. Raises StorageError, changing nothing.

        Readers see the old object or the new one, never part of one.
        """
        before = self.blobs.read(key)
        if key_id_of(key, before) == self.current_key:
            return False
        after = self._sealed(key, self._opened(key, before))
        self.blobs.write(key, after)
        return True

    def _opened(self, key: str, data: bytes) -> bytes:
        key_id = key_id_of(key, data)
        end = len(MAGIC) + 1 + data[len(MAGIC)]
        if key_id not in self.ciphers:
            raise StorageError(f"object {key} needs the encryption key {key_id!r}, which is not in IMAGE_KEYS")
        nonce, sealed = data[end : end + NONCE_BYTES], data[end + NONCE_BYTES :]
        try:
            return self.ciphers[key_id].decrypt(nonce, sealed, key.encode())
        except (InvalidTag, ValueError):
            raise StorageError(
                f"object {key} is damaged, or the key {key_id!r} in IMAGE_KEYS is not the one that encrypted it"
            ) from None

    def delete(self, key: str) -> None:
        self.blobs.delete(key)

    def discard(self, key: str) -> None:
        """Delete what no row names any more. If that fails it stays, encrypted, until ``verify-store`` finds it."""
        try:
            self.blobs.delete(key)
        except (OSError, StorageError) as error:
            log.warning("object %s could not be removed: verify-store --delete-orphans will (%s)", key, error)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """Every stored object with the time it was written, in no particular order."""
        return self.blobs.keys()

    @property
    def in_use(self) -> bool:
        """Whether it is the marked folder of an installation; False for a bucket, which does not tell."""
        return isinstance(self.blobs, LocalFolder) and self.blobs.marked

    def settle(self, latest: Sequence[str]) -> None:
        """Mark the store, once, as that of the installation whose latest objects have the keys ``latest``.

        Raises StoreAwayError if it is not marked and holds none of them, as a folder does whose disk is not mounted.
        """
        if self.blobs.marked:
            return
        if latest and not any(self._holds(key) for key in latest):
            raise StoreAwayError("the image store holds none of the images that the database names. Is it mounted?")
        self.blobs.mark()

    def _holds(self, key: str) -> bool:
        try:
            return bool(self.blobs.read(key))
        except StorageError:
            return False

    def reach(self) -> None:
        """Raises StoreAwayError if the store does not answer, or has no room for one more image."""
        next(self.keys(), None)
        room = self.space()
        if room is not None and room[0] < SCARCE_BYTES:
            raise StoreAwayError(f"only {room[0] // 2**20} MB are left for images")

    def space(self) -> tuple[int, int] | None:
        """Free and total bytes where the objects are kept; None if the store does not say."""
        return self.blobs.space()


def key_id_of(key: str, data: bytes) -> str:
    """Which encryption key the object ``data`` was sealed with. Raises StorageError if it is not an object."""
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + 1:
        raise StorageError(f"object {key} is damaged: unknown format")
    start = len(MAGIC) + 1
    return data[start : start + data[len(MAGIC)]].decode(errors="replace")


def open_store(settings: Settings) -> ImageStore:
    """The store that STORAGE_URL names. Raises ConfigurationError for a scheme this version does not know."""
    return ImageStore(_blobs(settings.storage_url), settings.image_keys)


def store_of(app: Flask) -> ImageStore:
    store: ImageStore = app.extensions["image_store"]
    return store


def current_store() -> ImageStore:
    """That of the application that handles this request or command."""
    return store_of(current_app)


def _blobs(url: str) -> Blobs:
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return Bucket(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise ConfigurationError(f"STORAGE_URL must look like file:///folder or s3://bucket/prefix, not {url!r}.")
    return LocalFolder(Path(unquote(parts.path)))

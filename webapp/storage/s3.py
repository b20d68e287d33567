"""Ciphertext in an S3-compatible store, for several machines: ``s3://bucket/prefix?endpoint=…&region=…``.

The client is created with the first object, never before a fork: it runs threads of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from webapp.core.config import ConfigurationError
from webapp.storage.errors import StorageError, StoreAwayError, checked_key

if TYPE_CHECKING:
    from obstore.store import S3Store

CONNECT_SECONDS, REQUEST_SECONDS, PATIENCE_SECONDS, RETRIES = 3, 20, 15, 3
OPTIONS = {"endpoint", "region"}


class Bucket:
    """Objects under a prefix of one bucket. Credentials come from the usual AWS_… variables.

    A request is retried for up to PATIENCE_SECONDS; then StoreAwayError says that the store is at fault.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        endpoint = options.get("endpoint", "https://")
        if not parts.netloc or set(options) - OPTIONS or urlsplit(endpoint).scheme not in ("http", "https"):
            raise ConfigurationError("STORAGE_URL must look like s3://bucket/prefix?endpoint=https://host&region=name.")
        self._bucket, self._options = parts.netloc, options
        self._prefix = unquote(parts.path).strip("/")

    marked = True
    """The name of a bucket is its mark: one that does not exist is an error."""

    def mark(self) -> None: ...

    @cached_property
    def _store(self) -> S3Store:
        from obstore.store import S3Store

        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            client_options={
                "allow_http": self._options.get("endpoint", "").startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=PATIENCE_SECONDS)},
            **self._options,  # type: ignore[arg-type]  # endpoint and region, checked above
        )

    def write(self, key: str, data: bytes) -> None:
        """The object is complete or absent: the store shows nothing of an interrupted upload."""
        with _plain_errors(key):
            self._store.put(checked_key(key), data, use_multipart=False)

    def read(self, key: str) -> bytes:
        with _plain_errors(key):
            return self._store.get(checked_key(key)).bytes().to_bytes()

    def delete(self, key: str) -> None:
        with _plain_errors(key), suppress(FileNotFoundError):  # some stores complain; gone is gone
            self._store.delete(checked_key(key))

    def keys(self) -> Iterator[tuple[str, datetime]]:
        with _plain_errors("list"):
            for page in self._store.list():
                for found in page:
                    yield found["path"], found["last_modified"]

    def space(self) -> None:
        """A bucket does not say how much room it has."""


@contextmanager
def _plain_errors(key: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise StoreAwayError("the bucket that STORAGE_URL names does not exist") from None
        raise StorageError(f"object {key} is missing") from None
    except (BaseError, OSError) as error:
        raise StoreAwayError(f"the object store failed at {key}: {_code(error)}") from None


def _code(error: Exception) -> str:
    """The store's own code, such as AccessDenied, or how the client failed. The rest may contain addresses and keys."""
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    return found.group(1) if found else type(error).__name__

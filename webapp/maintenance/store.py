"""Checks the image store against the rows, both ways, and re-encrypts every object with the current key."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from webapp.maintenance import objects
from webapp.maintenance.objects import BATCH
from webapp.models import utcnow
from webapp.storage.errors import StorageError
from webapp.storage.store import ImageStore, current_store

YOUNG = timedelta(hours=1)
"""An object is written before its row is committed: none this young counts as left over."""


def _store() -> ImageStore:
    store = current_store()
    return store


def wrong_objects() -> Iterator[str]:
    """Each row whose object is missing, damaged, unreadable with the present keys, or not what the row describes."""
    for named in objects.all_named():
        try:
            _store().get(named.key, named.sha256)
        except StorageError as error:
            if objects.is_named(named):
                yield f"{named}: {error}"


def left_over() -> Iterator[str]:
    """Keys of objects older than an hour that no row names."""
    limit, stored = utcnow() - YOUNG, _store().keys()
    old = (key for key, written in stored if written < limit)
    while portion := list(islice(old, BATCH)):
        yield from sorted(set(portion) - objects.named_among(portion))


def rotate() -> Iterator[str | None]:
    """Re-encrypt every object with the first of IMAGE_KEYS; yields for each None, or why it was left as it is.

    Those that have it already are skipped, so an interrupted run continues where it stopped.
    """
    store = _store()
    stored = store.keys()
    for key, _written in stored:
        try:
            if store.reseal(key):
                yield None
        except StorageError as error:
            yield str(error)

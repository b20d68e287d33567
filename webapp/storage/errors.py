"""What can go wrong with a stored object, and the one rule for its name."""

from webapp.core.errors import UnavailableError


class StorageError(UnavailableError):
    """An object is missing, damaged, or encrypted with a key that this program was not given."""


class StoreAwayError(StorageError):
    """The store itself does not answer or lets nobody in: the object may be whole, and it is worth trying again."""


def checked_key(key: str) -> str:
    """Raises StorageError unless it is a name such as ``ImageStore.put`` makes."""
    if not (key.isascii() and key.isalnum()):
        raise StorageError(f"not a key of this store: {key!r}")
    return key

"""What can go wrong with a stored object, and the rule for its name."""

from webapp.core.errors import UnavailableError


class StorageError(UnavailableError):
    """An object is missing, damaged, or encrypted with a key that this program does not have."""


class StoreAwayError(StorageError):
    """The store itself does not answer or refuses access: the object may be intact, and a retry may work."""


def checked_key(key: str) -> str:
    """Raises StorageError unless it is a name of the kind that ``ImageStore.put`` makes."""
    if not (key.isascii() and key.isalnum()):
        raise StorageError(f"not a key of this store: {key!r}")
    return key

"""Objects stored ahead of the transaction whose rows name them, so that no lock is held while a store answers."""

from webapp.core.database import after_commit, after_rollback
from webapp.storage.store import ImageStore


class Ahead:
    """What is put and then not named by a row goes again. After a crash in between it stays for ``verify-store``."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._unnamed: list[str] = []
        self._put: list[str] = []

    def put(self, data: bytes) -> str:
        """The key of a new object. If it cannot be stored, all go again. Raises StoreAwayError."""
        try:
            key = self._store.put(data)
        except BaseException:
            self._discard(self._put)
            raise
        self._put.append(key)
        self._unnamed.append(key)
        return key

    def expect(self) -> None:
        """The transaction that names them begins here, and its end decides which of them stay."""
        after_rollback(lambda: self._discard(self._put))
        after_commit(lambda: self._discard(self._unnamed))

    def name(self, *keys: str) -> None:
        """A row of the transaction names these."""
        self._unnamed = [key for key in self._unnamed if key not in keys]

    def _discard(self, keys: list[str]) -> None:
        for key in keys:
            self._store.discard(key)

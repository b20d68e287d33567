"""Encoded images that wait to be stored: a case may hold more of them than the process should keep in memory."""

import tempfile
import weakref
from typing import IO

from webapp.storage.errors import StoreAwayError

LARGE_BYTES = 4 * 2**20


class Spilled:
    """Bytes, in a nameless file if they are many. The file goes with the object, and with the process."""

    def __init__(self, data: bytes) -> None:
        """Raises StoreAwayError if the disk is full."""
        self._data, self._file = data, None
        if len(data) > LARGE_BYTES:
            self._data, self._file = b"", self._spill(data)

    def _spill(self, data: bytes) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this object
        weakref.finalize(self, file.close)
        try:
            file.write(data)
            file.flush()
        except OSError as error:
            raise StoreAwayError(f"there is no room for a temporary file: {error.strerror}") from error
        return file

    def read(self) -> bytes:
        if self._file is None:
            return self._data
        self._file.seek(0)
        return self._file.read()

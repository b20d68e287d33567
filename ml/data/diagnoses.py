"""Every collection's own names of diagnoses, and the lesion types that they mean."""

from collections.abc import Mapping
from typing import Final

from ml.patterns import Lesion

# Other names of the same types. Bowen's disease counts as akiec everywhere, as in HAM10000.
_SYNONYMS: Final[Mapping[str, Lesion]] = {
    "ak": Lesion.AKIEC,
    "sccka": Lesion.SCC,
    "inf": Lesion.OTHER,
    "ben_oth": Lesion.OTHER,
    "mal_oth": Lesion.OTHER,
}


def diagnosis(name: str) -> Lesion:
    """The type that a collection's metadata means. Raises ValueError for a name that none of them uses."""
    code = name.lower()
    return _SYNONYMS[code] if code in _SYNONYMS else Lesion(code)

"""The nine lesion types that every collection's own diagnoses are mapped to."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Diagnosis(StrEnum):
    """HAM10000's seven types, then squamous cell carcinoma and everything else."""

    AKIEC = "akiec"
    BCC = "bcc"
    BKL = "bkl"
    DF = "df"
    MEL = "mel"
    NV = "nv"
    VASC = "vasc"
    SCC = "scc"
    OTHER = "other"


DIAGNOSES: Final = tuple(Diagnosis)
MALIGNANT: Final = (Diagnosis.BCC, Diagnosis.SCC, Diagnosis.MEL)
# Other names of the same types. Bowen's disease counts as akiec everywhere, as in HAM10000.
_SYNONYMS: Final[Mapping[str, Diagnosis]] = {
    "ak": Diagnosis.AKIEC,
    "sccka": Diagnosis.SCC,
    "inf": Diagnosis.OTHER,
    "ben_oth": Diagnosis.OTHER,
    "mal_oth": Diagnosis.OTHER,
}


def diagnosis(name: str) -> Diagnosis:
    """The type that a collection's metadata means. Raises ValueError for a name that none of them uses."""
    code = name.lower()
    return _SYNONYMS[code] if code in _SYNONYMS else Diagnosis(code)

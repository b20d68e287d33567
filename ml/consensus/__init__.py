"""The standard reference from several raters, as in Matas et al.: Dawid–Skene EM (`em`), agreement, the command."""

from ml.consensus.agreement import cohen_kappa, cohen_kappas, fleiss_kappa
from ml.consensus.command import add_arguments, consensus_by_pattern, run
from ml.consensus.em import NO_LABEL, Consensus, counts_of, dawid_skene
from ml.consensus.table import Ratings, RatingsError, read_ratings, write_reference

__all__ = [
    "NO_LABEL",
    "Consensus",
    "Ratings",
    "RatingsError",
    "add_arguments",
    "cohen_kappa",
    "cohen_kappas",
    "consensus_by_pattern",
    "counts_of",
    "dawid_skene",
    "fleiss_kappa",
    "read_ratings",
    "run",
    "write_reference",
]

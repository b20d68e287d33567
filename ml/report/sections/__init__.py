"""What the report says, section by section: for the page, the model card and the terminal alike."""

from collections.abc import Callable
from typing import Final

from ml.report.parts import Document, Section
from ml.report.sections.criteria import criteria
from ml.report.sections.diagnosis import curves, diagnosis, shipped
from ml.report.sections.gate import gate
from ml.report.sections.lesion_types import lesion_types
from ml.report.sections.maps import maps, table_4
from ml.report.sections.patterns import patterns
from ml.report.sections.subgroups import subgroups
from ml.report.sections.table_3 import table_3
from ml.report.sections.table_5 import backbones

# Each is None where its part was not measured.
SECTIONS: Final[tuple[Callable[[Document], Section | None], ...]] = (
    criteria,
    diagnosis,
    shipped,
    curves,
    table_3,
    patterns,
    maps,
    table_4,
    gate,
    lesion_types,
    subgroups,
    backbones,
)


def sections(document: Document) -> list[Section]:
    """Of everything that a document of `ml.report.document` holds."""
    return [found for section in SECTIONS if (found := section(document)) is not None]

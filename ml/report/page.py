"""The report as one HTML file: no script, nothing fetched, fit for print."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from ml.report import bcc, clinical_rule, limits, table_3, table_4, table_5
from ml.report.parts import Section

Document = Mapping[str, Any]
_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0;font-size:.875rem}"
    "th,td{border:1px solid #767676;padding:.25rem .6rem;text-align:right}"
    "th:first-child,td:first-child{text-align:left}.notice{border-left:4px solid #d55e00;padding-left:1rem}"
    "div{overflow-x:auto}svg{max-width:100%;height:auto}"
)
# A section is empty where its part was not measured.
SECTIONS: Final[tuple[Section, ...]] = (
    bcc.criteria,
    table_3.findings,
    table_3.confusions,
    bcc.curves,
    bcc.operating_points,
    bcc.lesion_types,
    clinical_rule.coding,
    clinical_rule.rule,
    limits.subgroups,
    limits.other_clinics,
    table_4.heatmaps,
    limits.abstention,
    table_5.backbones,
)


def page(document: Document) -> str:
    """HTML of a document made by `ml.report.document`."""
    body = "\n".join(filter(None, (section(document) for section in SECTIONS)))
    title = escape(f"Evaluation of {document['bundle']}")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f'</head><body>\n<h1>{title}</h1>\n<p class="notice">{escape(document["notice"])}</p>\n'
        f"<p>Measured on the {escape(document['split'])} split of HAM10000: {document['images']} images of "
        f"{document['lesions']} lesions, of which {document['bcc_images']} images of {document['bcc_lesions']} lesions "
        "are BCC. Intervals, in brackets: 95 % bootstrap over lesions. Written by <code>python -m ml evaluate</code>; "
        f"report.json holds the same numbers.</p>\n{body}\n</body></html>\n"
    )

"""The report as one HTML file: no script, nothing fetched, fit for print."""

from html import escape
from typing import Final

from ml.report.parts import Document, html
from ml.report.sections import sections

_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0;font-size:.875rem}"
    "th,td{border:1px solid #767676;padding:.25rem .6rem;text-align:right}"
    "th:first-child,td:first-child{text-align:left}.notice{border-left:4px solid #d55e00;padding-left:1rem}"
    "div{overflow-x:auto}svg{max-width:100%;height:auto}"
)


def page(document: Document) -> str:
    """HTML of a document made by `ml.report.document`."""
    body = "\n".join(html(section) for section in sections(document))
    title = escape(f"Evaluation of {document['bundle'] or 'a recipe without a bundle'}")
    notice = f'<p class="notice">{escape(document["notice"])}</p>\n' if document["notice"] else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body>\n<h1>{title}</h1>\n{notice}<p>{escape(heading(document))}</p>\n{body}\n</body></html>\n"
    )


def heading(document: Document) -> str:
    """On what, how, and by which command."""
    return (
        f"Out-of-fold predictions of {document['folds']} of 5 networks, {document['views']} view"
        f"{'' if document['views'] == 1 else 's'} of each image. Intervals, in brackets: 95 % bootstrap over lesions. "
        "Written by python -m ml evaluate; report.json holds the same numbers. Speed and memory: python -m ml bench."
    )

"""What a notebook shows of a value: ``_repr_html_``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["preformatted", "table"]

_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A title over a table; all texts are escaped. Without rows there is only the title."""
    body = "".join("<tr>" + "".join(_cell("td", cell) for cell in row) + "</tr>" for row in rows)
    head = "<tr>" + "".join(_cell("th", heading) for heading in headings) + "</tr>" if body else ""
    return f"<div><p><b>{escape(title)}</b></p>{f'<table>{head}{body}</table>' if body else ''}</div>"


def preformatted(text: str) -> str:
    """Text as it stands."""
    return f"<pre>{escape(text)}</pre>"


def _cell(tag: str, text: str) -> str:
    return f'<{tag} style="{_CELL}">{escape(text)}</{tag}>'

"""Bars as SVG: a few lines of text, so that the report needs no plotting library and no network."""

from collections.abc import Sequence
from html import escape
from textwrap import shorten

ROW = 22
LABEL = 190
LONGEST_LABEL = 28
WIDTH = 420


def bars(title: str, rows: Sequence[tuple[str, float]], *, unit: str = "") -> str:
    """A horizontal bar chart: one labelled bar a row, as an SVG element of a fixed width."""
    longest = max((abs(value) for _, value in rows), default=0) or 1
    lines = []
    for place, (label, value) in enumerate(rows):
        y = place * ROW
        length = abs(value) / longest * WIDTH
        name = escape(shorten(label, LONGEST_LABEL, placeholder=" …"))
        lines.append(f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{name}</text>')
        lines.append(f'<rect x="{LABEL}" y="{y + 3}" width="{length:.1f}" height="{ROW - 6}" rx="2"/>')
        lines.append(f'<text x="{LABEL + length + 6:.1f}" y="{y + 15}">{value:g}{escape(unit)}</text>')
    size = f'viewBox="0 0 {LABEL + WIDTH + 80} {len(rows) * ROW}"'
    return f'<figure><figcaption>{escape(title)}</figcaption><svg {size} role="img">{"".join(lines)}</svg></figure>'

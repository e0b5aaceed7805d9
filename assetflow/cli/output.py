"""How things are shown: data on stdout, everything else on stderr, JSON when asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TextIO

from assetflow.errors import AssetflowError, Mistakes

__all__ = ["FORMAT", "MARKS", "Output", "as_json", "local_time", "printable"]

#: The version of the JSON shapes: fields are only ever added.
FORMAT = 1

#: A mark and a style for each state and outcome.
MARKS = {
    "fresh": ("●", "green"),
    "materialized": ("✓", "green"),
    "unchanged": ("=", "green"),
    "kept": ("=", "green"),
    "reused": ("↺", "cyan"),
    "checked": ("✓", "cyan"),
    "passed": ("✓", "green"),
    "stale": ("○", "yellow"),
    "missing": ("·", "yellow"),
    "running": ("▸", "blue"),
    "skipped": ("-", "blue"),
    "held": ("!", "magenta"),
    "degraded": ("!", "magenta"),
    "warned": ("!", "yellow"),
    "broke": ("?", "red"),
    "failed": ("✗", "red"),
    "not_run": ("-", "dim"),
}
#: Less than this many characters are no place for a text: it goes below.
_NARROW = 24
_ASCII = {
    "●": "*",
    "✓": "+",
    "=": "=",
    "↺": "<",
    "○": "o",
    "·": ".",
    "▸": ">",
    "✗": "x",
    "→": "->",
    "…": "...",
    "├": "|",
    "└": "`",
    "─": "-",
    "│": "|",
}


def printable(text: str) -> str:
    """Text with control characters escaped, so that stored data cannot steer a terminal; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def as_json(error: AssetflowError) -> list[dict[str, Any]]:
    """An error, or each of several, as ``{code, message, where, hint}``."""
    errors = error.errors if isinstance(error, Mistakes) else (error,)
    return [
        {"code": e.code, "message": e.message, "where": list(e.where), "hint": e.hint, "excerpt": list(e.excerpt)}
        for e in errors
    ]


def local_time(moment: datetime | str) -> str:
    """A moment, also as ISO 8601, in the time zone of whoever looks, to the second."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


class Output:
    """Where a command writes. ``json`` is whether ``--json`` was given."""

    def __init__(self, *, json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.json = json
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    def object(self, **fields: Any) -> None:
        """The one JSON object of a command."""
        text = json.dumps({"format": FORMAT, **fields}, ensure_ascii=False, indent=2 if self.out.isatty() else None)
        self.out.write(text + "\n")

    def line(self, text: str = "", *, style: str = "") -> None:
        """A line of data for a person, on stdout."""
        self._write(self.out, text, style)

    def note(self, text: str, *, style: str = "") -> None:
        """A line beside the data, on stderr."""
        self._write(self.err, text, style)

    def error(self, error: AssetflowError) -> None:
        """An error, or each of several, on stderr; with ``--json`` also as the object on stdout."""
        if self.json:
            self.object(ok=False, errors=as_json(error))
        for each in error.errors if isinstance(error, Mistakes) else (error,):
            first, *rest = str(each).split("\n")
            self._write(self.err, first, "bold red" if self.colour(self.err) else "")
            for more in rest[:5]:
                self._write(self.err, more, "dim" if more.startswith("  ") else "")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, prose: bool = True) -> None:
        """Rows under headings. On a terminal the last column takes what is left of the width, and wraps; ``prose``
        stands on lines of its own where too little is left. Elsewhere columns are as wide as they need and nothing is
        cut."""
        cells = [[printable(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        if not self.out.isatty():
            for row in [list(columns), *cells]:
                self._write(self.out, "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip(), "")
            return
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
        from rich.padding import Padding  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(file=self.out, highlight=False)
        left = console.width - sum(widths[:-1]) - 2 * (len(widths) - 1)
        below = prose and len(columns) > 1 and left < min(_NARROW, widths[-1])
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for place, column in enumerate(columns[:-1] if below else columns):
            last = place == len(columns) - 1
            table.add_column(column, no_wrap=not last, overflow="fold" if last else "ellipsis")
        for row in cells:
            table.add_row(*(self._marked(Text(cell)) for cell in (row[:-1] if below else row)))
        if not below:
            console.print(table)
            return
        for line, cell in zip(console.render_lines(table), ["", *(row[-1] for row in cells)], strict=True):
            console.print(Text.assemble(*((part.text, part.style or "") for part in line)))
            if cell:
                console.print(Padding(Text(cell, style="dim"), (0, 0, 0, 4)))

    def mark(self, word: str) -> str:
        """The word for a state or outcome with its mark before it: ``✓ materialized``."""
        mark, _ = MARKS.get(word, ("", ""))
        return f"{mark} {word.replace('_', ' ')}" if mark else word

    def colour(self, stream: TextIO) -> bool:
        """Whether to use colour: on a terminal, unless NO_COLOR is set."""
        import os  # noqa: PLC0415

        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def _marked(self, text: Any) -> Any:
        for word, (mark, style) in MARKS.items():
            if text.plain == f"{mark} {word.replace('_', ' ')}":
                text.stylize(style)
        return text

    def _write(self, stream: TextIO, text: str, style: str) -> None:
        text = printable(text)
        if style and self.colour(stream):
            from rich.console import Console  # noqa: PLC0415
            from rich.text import Text  # noqa: PLC0415

            Console(file=stream, highlight=False, soft_wrap=True).print(Text(text, style=style))
            return
        stream.write(_encodable(text, stream) + "\n")


def _encodable(text: str, stream: TextIO) -> str:
    """The text in characters that the stream can carry; marks become ASCII ones."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = "".join(_ASCII.get(c, c) for c in text)
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    return text

"""What is wrong with a query, and the place in its text."""

from __future__ import annotations

__all__ = ["SqlFault", "excerpt", "line_and_column"]

_WIDTH = 96


class SqlFault(Exception):
    """A query that cannot be one. ``offset`` counts characters of its text; None where no place is known."""

    def __init__(self, code: str, message: str, *, offset: int | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.hint = hint


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both count from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def excerpt(text: str, offset: int) -> tuple[str, str]:
    """The line at a place, cut where it is long, and a line with a caret under the place."""
    line, column = line_and_column(text, offset)
    whole = text.split("\n")[line - 1].replace("\t", " ")
    start = max(0, min(column - 1 - _WIDTH // 2, len(whole) - _WIDTH))
    shown = whole[start : start + _WIDTH]
    if start:
        shown = f"…{shown[1:]}"
    return shown, f"{' ' * (column - 1 - start)}^"

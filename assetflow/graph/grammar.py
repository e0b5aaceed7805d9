"""The grammar of selections: text to a tree, with errors that point at the place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from assetflow.errors import UsageError

__all__ = ["All", "Any", "Expression", "Not", "Term", "bad", "parsed"]


@dataclass(frozen=True, slots=True)
class Term:
    """``2+word+3`` or ``method:word``, with where it stands in the text."""

    word: str
    #: ``group``, ``tag`` …; empty for a name or a glob.
    method: str
    #: How many levels of inputs to add; None for all, 0 for none.
    up: int | None
    #: How many levels of readers to add; None for all, 0 for none.
    down: int | None
    text: str
    place: int


@dataclass(frozen=True, slots=True)
class Not:
    """What is not selected by the other."""

    part: Expression


@dataclass(frozen=True, slots=True)
class All:
    """``a and b and c``."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """``a or b or c``."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = Term | Not | All | Any

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
_TERM = re.compile(r"(?P<up>\d*\+)?(?:(?P<method>[a-z]+):)?(?P<word>[^+:]+)(?P<down>\+\d*)?\Z")
_DEEPEST = 100
_HINT = 'write names, globs, "+x", "x+2", "tag:t", joined by "and", "or", "not" and parentheses'


def parsed(text: str) -> Expression:
    """The tree of one selection. Raises UsageError ``bad-selection``, which points at the place."""
    return _Reader(text).whole()


def bad(text: str, place: int, message: str, hint: str = _HINT) -> UsageError:
    """The error for a place in a selection, shown under the text."""
    return UsageError("bad-selection", message, where=(text, f"{' ' * place}^"), hint=hint)


class _Reader:
    """Recursive descent over the tokens: one method for each level of binding, loosest first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def whole(self) -> Expression:
        if not self._tokens:
            self._fail("nothing is selected by an empty text")
        found = self._any()
        if self._next < len(self._tokens):
            stray = self._word()
            self._fail(
                "this parenthesis closes nothing" if stray == ")" else f'"and" or "or" is missing before {stray!r}'
            )
        return found

    def _any(self) -> Expression:
        parts = [self._all()]
        while self._took("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self) -> Expression:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Expression:
        negated = False
        while self._took("not"):
            negated = not negated
        found = self._inner() if self._took("(") else self._term()
        return Not(found) if negated else found

    def _inner(self) -> Expression:
        opened = self._next - 1
        self._depth += 1
        if self._depth > _DEEPEST:
            self._next = opened
            self._fail("the parentheses are nested too deeply")
        found = self._any()
        if not self._took(")"):
            if self._next < len(self._tokens):
                self._fail(f'"and" or "or" is missing before {self._word()!r}')
            self._next = opened
            self._fail("this parenthesis is not closed")
        self._depth -= 1
        return found

    def _term(self) -> Term:
        word = self._word()
        if word in ("", ")", "and", "or"):
            self._fail(f"a name is missing before {word!r}" if word else "a name is missing at the end")
        if "@" in word:
            self._fail(f"{word!r} names a partition, which a selection cannot", "choose partitions with --partition")
        match = _TERM.match(word)
        if match is None:
            self._fail(f"{word!r} selects nothing that could be understood")
        place = self._tokens[self._next][1]
        self._next += 1
        return Term(
            word=match["word"],
            method=match["method"] or "",
            up=_levels(match["up"]),
            down=_levels(match["down"]),
            text=self._text,
            place=place,
        )

    def _word(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _took(self, word: str) -> bool:
        found = self._word() == word
        self._next += found
        return found

    def _fail(self, message: str, hint: str = _HINT) -> NoReturn:
        place = self._tokens[self._next][1] if self._next < len(self._tokens) else len(self._text.rstrip())
        raise bad(self._text, place, message, hint)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    for match in _TOKEN.finditer(text):
        yield match[1], match.start(1)


def _levels(written: str | None) -> int | None:
    if written is None:
        return 0
    # More digits than any graph has levels mean all of them.
    digits = written.strip("+")
    return int(digits) if 0 < len(digits) < 10 else None

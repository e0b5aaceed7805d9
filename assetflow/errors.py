"""What assetflow says when the answer is no: a code, a message, the places, and what to do.

Every mistake of a user and every fault of the environment that we foresee is an :class:`AssetflowError`.
The command line prints it without a traceback and exits with its :attr:`~AssetflowError.exit_code`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

__all__ = [
    "AssetflowError",
    "BusyError",
    "CatalogError",
    "DefinitionError",
    "Mistakes",
    "PromiseError",
    "StorageError",
    "UsageError",
    "ValueMismatch",
    "nearest",
]


class AssetflowError(Exception):
    """A refusal that says what, where, and what to do.

    ``code`` is kebab-case and has a heading in ``docs/reference/errors.md``; ``where`` holds lines such as
    ``"shop.orders   projects/shop/sales.py:12"``; ``excerpt`` are lines of the user's text with a mark under the place;
    ``hint`` is one sentence, or empty where nothing can be advised.
    """

    exit_code: int = 2

    def __init__(
        self, code: str, message: str, *, where: Sequence[str] = (), hint: str = "", excerpt: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = tuple(where)
        self.hint = hint
        self.excerpt = tuple(excerpt)

    def __str__(self) -> str:
        """The whole text: ``error[code]: message``, a line a place, and the hint."""
        lines = [f"error[{self.code}]: {self.message}", *(f"  {place}" for place in _aligned(self.where))]
        lines += [f"    {line}" for line in self.excerpt]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.code, self.message, self.where, self.hint, self.excerpt)


def _aligned(where: Sequence[str]) -> list[str]:
    """What and where under each other; lines of one part stay as they are."""
    pairs = [(what.strip(), place.strip()) for what, _, place in (line.partition("  ") for line in where)]
    width = max((len(what) for what, place in pairs if place), default=0)
    return [f"{what:<{width}}   {place}" if place else what for what, place in pairs]


def _rebuilt(
    kind: type[AssetflowError], code: str, message: str, where: tuple[str, ...], hint: str, excerpt: tuple[str, ...]
) -> AssetflowError:
    return kind(code, message, where=where, hint=hint, excerpt=excerpt)


class DefinitionError(AssetflowError):
    """The project as written cannot mean anything: found before anything runs."""


class PromiseError(DefinitionError):
    """The project as written does what was promised that it does not."""

    exit_code = 4


class UsageError(AssetflowError):
    """A command, selection, setting or parameter that cannot be followed."""


class ValueMismatch(AssetflowError):
    """A value is not of its declared type; raised while a step runs, it fails that step as ``data``."""

    exit_code = 1


class StorageError(AssetflowError):
    """The disk is full, a folder is read-only, a stored value is missing or damaged."""

    exit_code = 74


class BusyError(AssetflowError):
    """Someone else holds what is needed: a partition being made, a locked catalog. Trying again later may work."""

    exit_code = 75


class CatalogError(AssetflowError):
    """The catalog file is damaged, or was written by a newer assetflow."""

    exit_code = 78


class Mistakes(AssetflowError):
    """Several mistakes of one project, reported together and in order of place."""

    def __init__(self, errors: Iterable[AssetflowError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(first.code, first.message, where=first.where, hint=first.hint, excerpt=first.excerpt)
        # What cannot mean anything counts for more than what must not be.
        self.exit_code = min(error.exit_code for error in self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)

    def __reduce__(self) -> tuple[object, ...]:
        return Mistakes, (self.errors,)


def nearest(word: str, words: Iterable[str], *, most: int = 3) -> str:
    """``did you mean a, b?`` for the names closest to ``word``; empty when none is close."""
    close = difflib.get_close_matches(word, list(words), n=most, cutoff=0.6)
    return f"did you mean {', '.join(close)}?" if close else ""

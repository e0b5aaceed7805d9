"""``source``: an asset that is observed, not made here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from assetflow.declare.places import Place, calling_place

if TYPE_CHECKING:
    from assetflow.model.ready import Ready

__all__ = ["File", "Files", "Source", "source"]


@dataclass(frozen=True, slots=True)
class File:
    """One file. The path is relative to the project's folder, or absolute.

    ``nulls`` are the texts that mean "no value" in any column of a CSV file; by default the usual ones, in columns
    that are not text.
    """

    path: str
    nulls: tuple[str, ...] | None = None

    def __init__(self, path: str | PathLike[str], *, nulls: Sequence[str] | None = None) -> None:
        object.__setattr__(self, "path", fspath(path))
        object.__setattr__(self, "nulls", None if nulls is None else tuple(nulls))


@dataclass(frozen=True, slots=True)
class Files:
    """The files that match a pattern, each a partition. Its key is the path below the pattern's fixed folder:
    ``Files("inbox/**/*.pdf")`` has keys like ``2026/a.pdf``."""

    pattern: str
    nulls: tuple[str, ...] | None = None

    def __init__(self, pattern: str | PathLike[str], *, nulls: Sequence[str] | None = None) -> None:
        object.__setattr__(self, "pattern", fspath(pattern))
        object.__setattr__(self, "nulls", None if nulls is None else tuple(nulls))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Source:
    """An asset that is observed. Either ``at`` or ``observe`` says how."""

    name: str
    at: File | Files | None
    #: Gives the data version of what lies outside; such a source has no value and is named in ``deps``.
    observe: Callable[[], object] | None
    #: What a reader gets; None: the absolute ``Path``.
    type: object
    group: str
    place: Place
    checks: Any = ()  # anything the user wrote
    description: str = ""
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)  # JSON-able values of the user

    def __repr__(self) -> str:
        return f"<source {self.name}>"


def source(
    name: str,
    at: File | Files | None = None,
    *,
    observe: Callable[[], object] | None = None,
    type: object = None,
    group: str = "",
    checks: Sequence[Ready] = (),
    description: str = "",
    tags: Sequence[str] = (),
    owners: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,  # JSON-able values of the user
) -> Source:
    """Declare what is there already: ``source("raw", File("data/raw.csv"), type=pl.DataFrame)``.

    Content that fails one of ``checks`` is handed to nobody. With ``observe=fn``, ``fn()`` returns the data version: a
    text or number that changes when the data does.
    """
    return Source(
        name=name,
        at=at,
        observe=observe,
        type=type,
        group=group,
        place=calling_place(),
        checks=checks,
        description=description,
        tags=tags,
        owners=owners,
        metadata=metadata or {},
    )

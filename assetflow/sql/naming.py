"""What a name in a query may mean: the columns, relations and scopes that a walk over it knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from assetflow.sql.query import Source

__all__ = [
    "Cte",
    "Field",
    "Form",
    "From",
    "Given",
    "Json",
    "Names",
    "NotFollowed",
    "Relation",
    "united",
    "by_name",
    "in_place",
    "single",
    "joined_column",
    "renamed",
]

#: A piece of DuckDB's parsed query, and of the canonical form.
Json: TypeAlias = Any
Form: TypeAlias = Any


class NotFollowed(Exception):
    """Something in a query that cannot be placed; its text says what."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column that can be named."""

    name: str
    #: What it is called in the canonical form.
    form: Form
    values: frozenset[Source]
    #: The stored column that it is unchanged.
    itself: Source | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """One item of a ``from``."""

    name: str
    fields: tuple[Field, ...]
    #: What any other column of it would come from: of a function whose columns are not known.
    rest: Field | None = None

    def find(self, name: str) -> Field | None:
        return next((each for each in self.fields if each.name.lower() == name.lower()), self.rest)


@dataclass(frozen=True, slots=True)
class From:
    """A whole ``from``."""

    form: Form
    relations: tuple[Relation, ...] = ()
    #: What ``*`` gives, with the relation of each: columns joined by ``using`` once.
    star: tuple[tuple[str, Field], ...] = ()
    #: The columns that joins made one, by lower-case name.
    merged: Mapping[str, Field] = field(default_factory=dict)
    #: The stored tables whose rows it has.
    rows: frozenset[Source] = frozenset()


@dataclass(frozen=True, slots=True)
class Given:
    """What a query gives."""

    form: Form
    columns: tuple[Field, ...]
    rows: frozenset[Source]
    #: For each column the number of the item that a star stands for; None: it is written out.
    items: tuple[int | None, ...] = ()


@dataclass(slots=True)
class Cte:
    """What ``with`` defines; resolved when it is first read."""

    node: Json
    aliases: Sequence[str]
    names: Names
    number: int = -1
    found: Given | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What a name may mean in a place, from the inside out."""

    source: From | None = None
    #: Columns given so far, by lower-case name.
    aliases: Mapping[str, Field] = field(default_factory=dict)
    ctes: Mapping[str, Cte] = field(default_factory=dict)
    #: Parameters of lambdas.
    own: frozenset[str] = frozenset()
    outer: Names | None = None

    def below(self, source: From | None = None) -> Names:
        """For a query inside of this place."""
        return Names(source=source, ctes=self.ctes, outer=self)


def in_place(path: Sequence[str], names: Names) -> tuple[Field, Sequence[str]] | None:
    """What a name stands for in one place, without those around it, and what of it is left: fields of a struct."""
    if names.source is not None:
        for start in (1, 2):  # orders.amount, and shop.orders.amount
            for relation in names.source.relations if len(path) > start else ():
                if relation.name.lower() == path[start - 1].lower() and (found := relation.find(path[start])):
                    return found, path[start + 1 :]
        name = path[0].lower()
        if (merged := names.source.merged.get(name)) is not None:
            return merged, path[1:]
        known = [each for relation in names.source.relations for each in relation.fields if each.name.lower() == name]
        if len(known) > 1:
            raise NotFollowed(f"the name {path[0]} may be one of several columns")
        if known:
            return known[0], path[1:]
    if (alias := names.aliases.get(path[0].lower())) is not None:
        return alias, path[1:]
    if names.source is not None and len(path) == 1:
        for relation in names.source.relations:
            if relation.name.lower() == path[0].lower():  # a whole row
                values = frozenset(one for each in relation.fields for one in each.values)
                if relation.rest is None:
                    return Field(relation.name, ["row", [each.form for each in relation.fields]], values), ()
            if relation.rest is not None:
                return relation.rest, path[1:]
    return None


def single(form: Form, relation: Relation, rows: frozenset[Source]) -> From:
    """A ``from`` of one relation."""
    return From(form, (relation,), tuple((relation.name, each) for each in relation.fields), {}, rows)


def joined_column(source: From, name: str) -> Field:
    """The column that ``using`` means on one side."""
    if name in source.merged:
        return source.merged[name]
    found = [each for _, each in source.star if each.name.lower() == name]
    if len(found) != 1:
        raise NotFollowed(f"the column {name} of a join is not followed")
    return found[0]


def renamed(columns: Sequence[Field], aliases: Sequence[str]) -> Iterable[Field]:
    """The columns, the first of them called by these names."""
    for place, each in enumerate(columns):
        yield Field(aliases[place] if place < len(aliases) else each.name, each.form, each.values, each.itself)


def united(one: Field, other: Field) -> Field:
    """A column with the values of both."""
    itself = one.itself if one.itself == other.itself else None
    return Field(one.name, one.form, one.values | other.values, itself)


def by_name(given: list[Field], more: Sequence[Field]) -> list[Field]:
    """The columns of both, those of one name as one."""
    there = {each.name.lower(): place for place, each in enumerate(given)}
    for each in more:
        place = there.get(each.name.lower())
        if place is None:
            given.append(each)
        else:
            given[place] = united(given[place], each)
    return given

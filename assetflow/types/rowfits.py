"""Whether tables of one row model are tables of another, column by column."""

from __future__ import annotations

from collections.abc import Iterator

from assetflow.errors import nearest
from assetflow.types.columns import Conversion, Slot, conversion, parts
from assetflow.types.rowmodels import REQUIRED, RowModel
from assetflow.types.rules import Rule, implied

__all__ = ["guaranteed", "misfits"]


def misfits(made: RowModel, asked: RowModel) -> tuple[str, ...]:
    """What keeps a table of ``made`` from serving where ``asked`` is asked for; nothing where it may.

    A column must be there, of a type that is converted without loss, without nulls where none are asked for. A rule
    that the producer's rules contradict outright is a misfit; one of which they say nothing is looked at when the
    table is read. Of a loose producer only columns and types are compared, and types as far as some values convert.
    """
    found: list[str] = []
    columns = {column.name: column for column in made.columns}
    for column in asked.columns:
        given = columns.get(column.name)
        if given is None:
            if column.default is REQUIRED and made.policy.extra != "keep":
                close = nearest(column.name, sorted(columns))
                found.append(f"{made.name} has no column {column.name!r}{f': {close}' if close else ''}")
            continue
        found += [f"column {column.name!r} {text}" for text in _slots(given.slot, column.slot, loose=made.loose)]
    for key, kind in ((asked.primary_key, "primary key"), *((names, "unique") for names in asked.unique)):
        keys = {made.primary_key, *made.unique}
        if key and any(keys) and not any(other and set(other) <= set(key) for other in keys):
            found.append(f"{kind} ({', '.join(key)}) is not one of {made.name}")
    return tuple(found)


def guaranteed(made: RowModel, asked: RowModel) -> bool:
    """Whether every table of ``made`` is one of ``asked`` as it is: nothing has to be converted or looked at."""
    columns = {column.name: column.slot for column in made.columns}
    keys = {made.primary_key, *made.unique}
    return (
        set(asked.expects) <= set(made.expects)
        and all(column.name in columns and _is_within(columns[column.name], column.slot) for column in asked.columns)
        and all(
            not key or any(other and set(other) <= set(key) for other in keys)
            for key in (asked.primary_key, *asked.unique)
        )
    )


def _slots(made: Slot, asked: Slot, *, loose: bool) -> Iterator[str]:
    if conversion(made.type, asked.type) > (Conversion.CHECKED if loose else Conversion.WIDENS):
        yield f"is {made.type}, not {asked.type}"
        return
    if made.nullable and not asked.nullable and not loose:
        yield "may be null, which is not asked for"
    for rule in asked.rules:
        if implied(rule, made.rules) is False:
            yield f"is {_told(made.rules)}, not {rule}"
    for place, inner_made, inner_asked in parts(made.type, asked.type):
        for text in _slots(inner_made, inner_asked, loose=loose):
            yield f"{place} {text}"


def _told(rules: tuple[Rule, ...]) -> str:
    return " and ".join(map(str, rules))


def _is_within(made: Slot, asked: Slot) -> bool:
    return (
        conversion(made.type, asked.type) is Conversion.SAME
        and (asked.nullable or not made.nullable)
        and all(implied(rule, made.rules) is True for rule in asked.rules)
        and all(_is_within(one, other) for _, one, other in parts(made.type, asked.type))
    )

"""How far the edges of a project are typed: what ``validate --types-coverage`` shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assetflow.load.definitions import Bound, BoundInput, Loaded
from assetflow.model.keys import AssetKey
from assetflow.types.libraries import is_table_hint
from assetflow.types.rowmodels import row_model_of
from assetflow.types.spelling import is_open

__all__ = ["Level", "TypedEdge", "known_tables", "typed_edges"]


class Level(StrEnum):
    """When an edge is checked, and by what; the best first."""

    #: Before anything runs: both sides have row models.
    COLUMNS = "columns"
    #: Before anything runs: both sides have types, and no table is among them.
    TYPE = "type"
    #: The reader has a row model, the producer none: its rows are looked at when they are read.
    WHEN_READ = "when read"
    #: Both are tables; of their columns nothing is known.
    TABLE = "table"
    #: A side has no annotation.
    UNTYPED = "untyped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedEdge:
    """One input of one function."""

    reader: AssetKey
    parameter: str
    asset: AssetKey
    level: Level


def typed_edges(loaded: Loaded) -> tuple[TypedEdge, ...]:
    """Every input that is loaded, in order of readers and parameters."""
    hints = {output.key: output.hint for bound in loaded.bound.values() for output in bound.outputs}
    hints |= {key: output.hint for key, bound in loaded.views.items() for output in bound.outputs}
    hints |= {key: source.hint if source.hint is not None else Path for key, source in loaded.sources.items()}
    return tuple(
        TypedEdge(
            reader=key,
            parameter=each.parameter,
            asset=each.edge.asset,
            level=_level(hints.get(each.edge.asset), each.hint, has_rows=each.rows is not None),
        )
        for key, bound in sorted(loaded.bound.items())
        for each in sorted(_seen(bound), key=lambda each: each.parameter)
    )


def known_tables(loaded: Loaded) -> tuple[int, int]:
    """Of how many tables the columns are known before anything runs, and how many tables there are."""
    hints = [output.hint for bound in (*loaded.bound.values(), *loaded.views.values()) for output in bound.outputs]
    hints += [source.hint for source in loaded.sources.values()]
    tables = [hint for hint in hints if hint is not None and not is_open(hint) and is_table_hint(hint)]
    return sum(row_model_of(hint) is not None for hint in tables), len(tables)


def _seen(bound: Bound) -> list[BoundInput]:
    """The inputs as the function sees them."""
    hidden = {name for view in bound.views for name in view.query.inputs}
    return [*(each for each in bound.inputs if each.parameter not in hidden), *(view.taken for view in bound.views)]


def _level(made: object, asked: object, *, has_rows: bool) -> Level:
    if is_open(made) or is_open(asked):
        return Level.WHEN_READ if has_rows else Level.UNTYPED
    if not is_table_hint(made) and not has_rows:
        return Level.TYPE
    if not has_rows:
        return Level.TABLE
    return Level.COLUMNS if row_model_of(made) is not None else Level.WHEN_READ

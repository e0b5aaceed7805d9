"""What a function returned, checked against its types: which values it is, and what is wrong with their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from assetflow import types
from assetflow.errors import ValueMismatch
from assetflow.load.definitions import Bound, BoundOutput
from assetflow.model.checks import BAD_ROWS, Severity, Verdict, VerdictStatus
from assetflow.model.journal import Output
from assetflow.run.arguments import PLAIN
from assetflow.store.codecs import TableCodec
from assetflow.types.libraries import TableKind, kind_of_value
from assetflow.types.values import checked

if TYPE_CHECKING:
    from assetflow.types.conforming import Streamed
    from assetflow.types.dividing import Division

__all__ = ["Findings", "checked_values", "has_effects", "told_rejects"]

#: What was found of the rows of an asset while they were made.
Findings: TypeAlias = "Streamed | Division"


def has_effects(bound: Bound) -> bool:
    """Whether the function is run for what it does elsewhere: it is declared to return None."""
    return not bound.multi and bound.outputs[0].hint is type(None)


def checked_values(returned: Any, bound: Bound, found: dict[str, Findings]) -> tuple[Any, ...]:  # values of the user
    """One value per output, of its declared type. Raises ValueMismatch ``wrong-type`` and ``bad-rows``.

    What is wrong with the rows of a stream that has the right columns is found while it is read, and where bad rows are
    put aside it is found here: ``found`` then holds it for its asset. Other tables are judged by their check.
    """
    if not bound.multi:
        output = bound.outputs[0]
        value = _checked(returned, output, found)
        if output.divert is None or output.rows is None:
            return (value,)
        division = types.dividing.Division(output.rows, str(output.key), output.divert.limit)
        found[str(output.key)] = division
        return division.stream(value) if kind_of_value(value) is TableKind.ARROW_READER else division.table(value)
    if not isinstance(returned, tuple) or len(returned) != len(bound.outputs):
        fields = ", ".join(output.key.name for output in bound.outputs)
        raise ValueMismatch(
            "wrong-type", f"{bound.key} must return its NamedTuple ({fields}), not {type(returned).__name__}"
        )
    return tuple(_checked(value, output, found) for value, output in zip(returned, bound.outputs, strict=True))


def told_rejects(outputs: Sequence[Output], found: Mapping[str, Findings]) -> tuple[Verdict, ...]:
    """What is told of rows that were put aside; where they are too many, their check says it."""
    return tuple(
        Verdict(
            check=BAD_ROWS,
            partition=output.partition,
            status=VerdictStatus.FAILED,
            severity=Severity.WARN,
            message=f"{division.message}; they are in {rejects.partition.asset}",
            metrics=tuple(division.result.metrics.items()),
        )
        for output, rejects in pairwise(outputs)
        if isinstance(division := found.get(str(output.partition.asset)), types.dividing.Division)
        and division.bad
        and division.result.passed
    )


def _checked(value: Any, output: BoundOutput, found: dict[str, Findings]) -> Any:
    if output.hint is None or (type(value) is output.hint and output.hint in PLAIN):
        return value
    value = checked(value, output.hint, what=str(output.key))
    if kind_of_value(value) is TableKind.POLARS_LAZY and isinstance(output.codec, TableCodec | None):
        value = types.lazily.collected(value)
    if kind_of_value(value) is TableKind.DUCKDB and isinstance(output.codec, TableCodec | None):
        value = types.lazily.fetched(value)
    if output.rows is None or output.divert is not None:
        return value
    if kind_of_value(value) is TableKind.ARROW_READER:
        streamed = found[str(output.key)] = types.conforming.Streamed()
        return types.conforming.stream(value, output.rows, streamed, what=str(output.key))
    return types.conforming.shaped(value, output.rows, what=str(output.key))

"""What is said of values whose columns are not those of the version before."""

from __future__ import annotations

from collections.abc import Sequence

from assetflow.errors import ValueMismatch
from assetflow.load.definitions import Bound
from assetflow.model.changes import ChangePolicy
from assetflow.model.checks import SCHEMA_CHANGE, Severity, Verdict, VerdictStatus
from assetflow.model.journal import Output
from assetflow.model.versions import ColumnVersion
from assetflow.types.changes import column_changes

__all__ = ["told_changes"]


def told_changes(
    outputs: Sequence[Output], bound: Bound, columns: Sequence[Sequence[ColumnVersion]]
) -> tuple[Verdict, ...]:
    """The changes that are to be told. ``columns`` are those of before, none where nothing is compared.

    Raises ValueMismatch ``schema-changed`` where one is not let pass.
    """
    found: list[Verdict] = []
    for output, declared, before in zip(outputs, bound.outputs, columns, strict=True):
        after = output.stored.data.columns
        if not before or not after:
            continue  # there was no table, or there is none now
        said = [(declared.changes.of(change), change) for change in column_changes(before, after)]
        refused = [str(change) for policy, change in said if policy is ChangePolicy.FAIL]
        if refused:
            raise ValueMismatch(
                "schema-changed",
                f"the columns of {output.partition} are not those of the version before: {'; '.join(refused)}",
                hint="--accept-schema-changes publishes it this once; on_schema_change= says what may change",
            )
        warned = [str(change) for policy, change in said if policy is ChangePolicy.WARN]
        if warned:
            found.append(
                Verdict(
                    check=SCHEMA_CHANGE,
                    partition=output.partition,
                    status=VerdictStatus.FAILED,
                    severity=Severity.WARN,
                    message="; ".join(warned),
                )
            )
    return tuple(found)

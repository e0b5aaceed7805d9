"""Tables and streams divided into the rows that keep their row model and those that break it, with the reason.

A row with a missing value or a broken rule is bad. Of the others, a row is bad whose key stands in a row before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from assetflow.model.checks import CheckResult
from assetflow.types.conforming import READ, shaped, told
from assetflow.types.expectations import unmet
from assetflow.types.judging import plain, repeated, violations
from assetflow.types.rejects import REASON, judged_model, reject_model
from assetflow.types.rowmodels import RowModel

__all__ = ["Division"]

_SAMPLE = 5


@dataclass(slots=True)
class Division:
    """A table, or a stream, being divided. What it counted is complete once the good rows were read."""

    rows: RowModel
    #: Names the table in errors.
    what: str
    #: The share of bad rows that is let pass.
    limit: float
    good: int = 0
    bad: int = 0
    #: What is wrong with rows that could not be told apart: repeated keys of a stream.
    wrong: list[str] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)
    _rejected: list[pa.Table] = field(default_factory=list)

    def table(self, value: object) -> tuple[pa.Table, pa.Table]:
        """The good and the bad rows of a table of any library, with their types. Raises ValueMismatch ``bad-rows``
        where a column is missing or of another type.
        """
        good = self._divided(shaped(value, judged_model(self.rows), what=self.what), keys=True)
        bad = pa.concat_tables(self._rejected)
        return shaped(good, self.rows, what=self.what), shaped(bad, reject_model(self.rows), what=self.what)

    def stream(self, reader: pa.RecordBatchReader) -> tuple[pa.RecordBatchReader, pa.RecordBatchReader]:
        """The good rows of a stream, and the bad ones, to be read after them. These are kept in memory.

        Whether a key stands in a row before is not known then: repeated keys are added to :attr:`wrong`.
        """
        judged, rejects = judged_model(self.rows), reject_model(self.rows)
        keys = tuple(dict.fromkeys(name for names in (self.rows.primary_key, *self.rows.unique) for name in names))

        def good() -> Iterator[pa.RecordBatch]:
            seen: list[pa.Table] = []
            for batch in reader:
                table = shaped(pa.Table.from_batches([batch]), judged, what=self.what)
                table = shaped(self._divided(table, keys=False), self.rows, what=self.what)
                if keys:
                    seen.append(table.select(list(keys)))
                yield from table.replace_schema_metadata(READ).to_batches()
            if seen:
                self.wrong.extend(each.text for each in repeated(pa.concat_tables(seen), self.rows))

        def bad() -> Iterator[pa.RecordBatch]:
            for each in self._rejected:
                table = shaped(each, rejects, what=self.what)
                yield from table.replace_schema_metadata(READ).to_batches()

        nothing = shaped(reader.schema.empty_table(), judged, what=self.what)
        kept = shaped(nothing, self.rows, what=self.what).schema.with_metadata(READ)
        put_aside = shaped(_with_reason(nothing, []), rejects, what=self.what).schema.with_metadata(READ)
        return (
            pa.RecordBatchReader.from_batches(kept, good()),
            pa.RecordBatchReader.from_batches(put_aside, bad()),
        )

    @property
    def result(self) -> CheckResult:
        """Whether what is left may be published."""
        metrics = {"rejected": float(self.bad)}
        many = self.bad > self.limit * (self.good + self.bad)
        lines = [f"{self.message}; at most {100 * self.limit:.4g} % may be"] if many else []
        lines += told(self.wrong)
        return CheckResult(not lines, "\n".join(lines), metrics, self.sample)

    @property
    def message(self) -> str:
        """``3 of 1,000 rows are bad: amount is not at least 0 (2), day has no value (1)``."""
        said = ", ".join(f"{reason} ({count:,})" for reason, count in sorted(self._counts.items(), key=_most)[:4])
        more = f", and {len(self._counts) - 4} more" if len(self._counts) > 4 else ""
        return f"{self.bad:,} of {self.good + self.bad:,} rows are bad: {said}{more}"

    @property
    def sample(self) -> tuple[dict[str, object], ...]:
        """The first bad rows."""
        return tuple(row for table in self._rejected[:_SAMPLE] for row in table.slice(0, _SAMPLE).to_pylist())[:_SAMPLE]

    def _divided(self, table: pa.Table, *, keys: bool) -> pa.Table:
        """The good rows; the bad ones are kept."""
        table = self._without(table, list(_broken(table, judged_model(self.rows))))
        for names in (self.rows.primary_key, *self.rows.unique) if keys else ():
            if names and next(repeated(table, _only_key(self.rows, names)), None) is not None:
                table = self._without(table, [(f"{', '.join(names)} stands in a row before", _later(table, names))])
        self.good += table.num_rows
        return table

    def _without(self, table: pa.Table, found: list[tuple[str, pa.ChunkedArray]]) -> pa.Table:
        if not found:
            self._keep(table.slice(0, 0), [])
            return table
        bad = found[0][1]
        for _, mask in found[1:]:
            bad = pc.or_(bad, mask)
        reasons = []
        for text, mask in found:
            hit = pc.filter(mask, bad)
            self._counts[text] = self._counts.get(text, 0) + (pc.sum(hit).as_py() or 0)
            reasons.append(pc.if_else(hit, pa.scalar(text), pa.scalar(None, pa.string())))
        reason = pc.binary_join_element_wise(*reasons, "; ", null_handling="skip")
        self._keep(table.filter(bad), reason)
        return table.filter(pc.invert(bad))

    def _keep(self, rows: pa.Table, reasons: pa.ChunkedArray | list[str]) -> None:
        self.bad += rows.num_rows
        if rows.num_rows or not self._rejected:
            self._rejected.append(_with_reason(rows, reasons))


def _with_reason(rows: pa.Table, reasons: pa.ChunkedArray | list[str]) -> pa.Table:
    return rows.append_column(
        pa.field(REASON, pa.string()),
        pa.chunked_array([reasons], pa.string()) if isinstance(reasons, list) else reasons,
    )


def _most(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _broken(table: pa.Table, rows: RowModel) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """What is wrong with single rows, and with which."""
    for column in rows.columns:
        slot, array = column.slot, plain(table.column(column.name))
        for place, rule, mask in violations(array, slot, column.name):
            if pc.any(mask).as_py():
                yield f"{place} {'has no value' if rule is None else f'is not {rule}'}", mask
        if column.name in rows.primary_key and slot.nullable and array.null_count:
            yield f"{column.name} has no value", array.is_null()
    for name, sql, mask in unmet(table, rows.expects):
        yield f"{name}: {sql} does not hold", mask


def _only_key(rows: RowModel, names: tuple[str, ...]) -> RowModel:
    return RowModel(name=rows.name, columns=rows.columns, unique=(names,))


def _later(table: pa.Table, names: tuple[str, ...]) -> pa.ChunkedArray:
    """Which rows have a key that stands in a row before. A key with a null is that of no other row."""
    part = pa.table([plain(table.column(name)) for name in names], names=[f"k{n}" for n in range(len(names))])
    whole = pa.chunked_array([pa.array([True] * table.num_rows, pa.bool_())])
    for column in part.columns:
        whole = pc.and_(whole, column.is_valid())
    numbered = part.append_column("n", pa.array(range(table.num_rows), pa.int64()))
    firsts = numbered.group_by(part.column_names).aggregate([("n", "min")]).column("n_min")
    return pc.and_(whole, pc.invert(pc.is_in(numbered.column("n"), value_set=firsts.combine_chunks())))

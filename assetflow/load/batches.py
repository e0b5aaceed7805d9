"""``batch=``: assets of which one call makes several partitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assetflow.declare import Asset, MultiAsset, Source, SqlAsset
from assetflow.errors import AssetflowError, DefinitionError, nearest
from assetflow.load.definitions import BoundBatch, BoundInput
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared
from assetflow.load.partitions import ImpossibleError, key_type
from assetflow.load.signatures import Signature
from assetflow.model.calendars import TEXT
from assetflow.model.partitioning import SINGLE, Partitioning, Product
from assetflow.types.hints import hint_text
from assetflow.types.libraries import is_table_hint

__all__ = ["batch_of", "is_batch"]


def is_batch(declared: Declared) -> bool:
    """Whether one call may make several partitions."""
    value = declared.value
    return isinstance(value, Asset | SqlAsset) and bool(value.options.batch)


def batch_of(
    declared: Declared, signature: Signature, cut: Partitioning, inputs: tuple[BoundInput, ...], faults: Faults
) -> BoundBatch | None:
    """How several partitions of an asset are made by one call; None where they are not, or it means nothing, which is
    told.
    """
    value = declared.value
    if isinstance(value, Source):
        return None
    options: Any = value.options  # as written
    try:
        if not options.batch:
            if options.key_column is not None:
                raise _bad(declared, "key_column= says how what batch= makes is cut", "add batch=True, or leave it out")
            return None
        if isinstance(value, MultiAsset):
            raise _bad(declared, "batch= is not for several assets of one function", "declare them one by one")
        if cut == SINGLE:
            raise _bad(declared, "batch= makes several partitions by one call, and it has none", "add partitions=")
        if any(each.edge.asset == declared.key for each in inputs):
            raise _bad(declared, "it reads its own past, so its partitions are made one by one", "leave out batch=")
        return BoundBatch(
            cut=cut,
            most=None if options.batch is True else options.batch,
            columns=_columns(declared, options.key_column, signature, cut),
            keyed=TEXT if signature.keys is None else key_type(signature.keys, cut),
        )
    except ImpossibleError as error:
        faults.add(_bad(declared, f"it returns a dict by {hint_text(signature.keys)}: {error.message}", error.hint))
    except AssetflowError as error:
        faults.add(error)
    return None


def _columns(
    declared: Declared,
    wanted: Any,
    signature: Signature,
    cut: Partitioning,  # as written
) -> str | Mapping[str, str] | None:
    """``key_column=``, where a table is returned."""
    is_query = isinstance(declared.value, SqlAsset)
    if signature.by_key:
        if wanted is not None:
            raise _bad(declared, "it returns a dict by key, so key_column= says nothing", "leave it out")
        return None
    if signature.returns is not None and not is_table_hint(signature.returns):
        hint = "annotate it as dict[str, T], or as a table, with key_column="
        raise _bad(declared, f"batch= cannot cut {hint_text(signature.returns)} into partitions", hint)
    if wanted is None and (is_query or signature.returns is not None):
        message = "batch= cuts its table into partitions, and which column says how is not known"
        raise _bad(declared, message, 'write key_column="day"')
    if isinstance(wanted, Mapping) and isinstance(cut, Product):
        for name in wanted:
            if name not in cut.dimensions:
                raise _bad(declared, f"key_column= names a dimension {name!r}", nearest(str(name), cut.dimensions))
        if missing := [name for name in cut.dimensions if name not in wanted]:
            raise _bad(declared, f"key_column= has no column for {missing[0]}", "name one for each dimension")
        if all(isinstance(each, str) for each in wanted.values()):
            return dict(wanted)
    elif wanted is None or (isinstance(wanted, str) and wanted):
        return wanted
    dimensions = ', or of a product {"day": "placed", "region": "region"}'
    raise _bad(declared, f"key_column={wanted!r} names no column", f'write key_column="day"{dimensions}')


def _bad(declared: Declared, message: str, hint: str) -> DefinitionError:
    return DefinitionError("bad-batch", f"{declared.key}: {message}", where=[declared.line], hint=hint)

"""The asset beside a table that the table's bad rows go to."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, get_args

from assetflow.load.definitions import BoundOutput
from assetflow.model.keys import AssetKey
from assetflow.types.rejects import reject_model
from assetflow.types.rowmodels import row_model_of
from assetflow.types.spelling import alias_value

__all__ = ["rejects_hint", "rejects_of", "with_rejects"]


def rejects_of(key: AssetKey) -> AssetKey:
    """The key of that asset: ``shop.orders__rejects``."""
    return AssetKey(key.group, f"{key.name}__rejects")


def rejects_hint(hint: object) -> object:
    """Its type: a table of the same library; None where the type of the table has no row model, which is told."""
    rows = row_model_of(hint)
    return None if rows is None else Annotated[get_args(alias_value(hint))[0], reject_model(rows)]


def with_rejects(output: BoundOutput) -> tuple[BoundOutput, ...]:
    """An output, and what its bad rows go to, where they are put aside."""
    if output.divert is None or output.rows is None:
        return (replace(output, divert=None),)
    rejects = BoundOutput(
        key=rejects_of(output.key),
        hint=rejects_hint(output.hint),
        codec=output.codec,
        rows=reject_model(output.rows),
        rejects=True,
    )
    return output, rejects

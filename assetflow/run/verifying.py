"""Before an older value becomes current again, its bytes are read and compared."""

from __future__ import annotations

from dataclasses import dataclass

from assetflow.errors import StorageError
from assetflow.model.keys import Partition
from assetflow.model.versions import Stored
from assetflow.store.values import Values

__all__ = ["Verified", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of it."""

    step: Partition
    #: What is wrong with the bytes; empty if nothing is.
    problem: str


def verify(step: Partition, stored: tuple[Stored | None, ...], values: Values) -> Verified:
    """Whether all values of one attempt are there as recorded."""
    try:
        for one in stored:
            if one is None:
                return Verified(step=step, problem="its record has no place any more")
            values.verify(one)
    except StorageError as error:
        return Verified(step=step, problem=error.message)
    return Verified(step=step, problem="")

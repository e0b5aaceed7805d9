"""``product``: which assets of a group others may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetflow.declare.places import Place, calling_place

if TYPE_CHECKING:
    from assetflow.declare.assets import Asset
    from assetflow.declare.multi import MultiAsset, Output
    from assetflow.declare.sources import Source
    from assetflow.declare.sql import SqlAsset

__all__ = ["Product", "product"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Product:
    """A group of assets, and those among them that others may use."""

    name: str
    #: The group whose assets it holds.
    group: str
    exposes: Any  # anything the user wrote
    owner: str = ""
    description: str = ""
    place: Place

    def __repr__(self) -> str:
        return f"<product {self.name}>"


def product(
    name: str,
    *,
    exposes: Sequence[Asset[..., Any] | MultiAsset[..., Any] | Output | Source | SqlAsset | str],
    group: str = "",
    owner: str = "",
    description: str = "",
) -> Product:
    """Declare that others may use these assets of a group, and no others: ``product("orders", exposes=[orders])``.

    The group is that of the product's name unless another is named. An asset of another group that takes a private
    one, as an input or in a check, is a mistake. ``owner`` answers for contracts of the group that name nobody.
    """
    return Product(
        name=name,
        group=group or name,
        exposes=exposes,
        owner=owner,
        description=description,
        place=calling_place(),
    )

"""Products: what of a group others may use, and who uses something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from assetflow.errors import AssetflowError, DefinitionError
from assetflow.load.definitions import BoundProduct
from assetflow.load.faults import Faults, relative_place
from assetflow.load.naming import Declared, Names
from assetflow.load.scan import Scanned
from assetflow.model.definition import Definition
from assetflow.model.keys import AssetKey

__all__ = ["private_uses", "products_of"]


def products_of(scanned: Scanned, names: Names, root: Path, faults: Faults) -> dict[str, BoundProduct]:
    """The products that mean something, by group; what does not is told."""
    found: dict[str, BoundProduct] = {}
    for each in scanned.products:
        where = f"{each.name}   {relative_place(each.place.file, each.place.line, root)}"

        def tell(message: str, hint: str = "", where: str = where) -> None:
            faults.add(DefinitionError("bad-product", message, where=[where], hint=hint))

        own = [key for key in names.assets if key.group == each.group]
        if not own and scanned.broken:
            continue
        if not own:
            groups = ", ".join(sorted({key.group for key in names.assets}))
            tell(f"product {each.name!r} is of a group {each.group!r}, which has no assets", f"there are {groups}")
        elif each.group in found:
            tell(f"group {each.group!r} has another product already: {found[each.group].product.name!r}")
        elif isinstance(each.exposes, str) or not isinstance(each.exposes, Sequence):
            tell(f"exposes= of product {each.name!r} must be a list of assets", "write exposes=[orders]")
        else:
            exposed: set[AssetKey] = set()
            for one in each.exposes:
                # Names are looked up as an asset of the group would.
                inside = Declared(key=own[0], value=names.assets[own[0]].value, where=names.assets[own[0]].where)
                try:
                    keys = names.resolve_object(one, inside)
                except AssetflowError:
                    if scanned.broken:
                        continue  # it may well be in a module that does not import, which is told already
                    tell(f"product {each.name!r} exposes {one!r}, which is no asset of this project")
                    continue
                strays = [key for key in keys if key.group != each.group]
                if strays:
                    tell(f"product {each.name!r} exposes {strays[0]}, which is of another group")
                exposed.update(keys)
            found[each.group] = BoundProduct(product=each, exposes=frozenset(exposed))
    return found


def private_uses(
    products: Mapping[str, BoundProduct], definitions: Mapping[AssetKey, Definition]
) -> Iterator[DefinitionError]:
    """Each use of an asset that is private to its product, from another group."""
    told: set[tuple[AssetKey, AssetKey]] = set()
    for user in definitions.values():
        used = {edge.asset for edge in user.inputs} | {asset for check in user.checks for asset in check.reads}
        for asset in sorted(used):
            bound = products.get(asset.group)
            if bound is None or asset.group == user.key.group or asset in bound.exposes or (user.node, asset) in told:
                continue
            told.add((user.node, asset))  # once for all that a function makes
            names = ", ".join(map(str, sorted(bound.exposes))) or "nothing"
            where = [f"{each}   {definitions[each].where}" for each in (user.key, asset) if each in definitions]
            message = f"{user.node} uses {asset}, which is private to the product {bound.product.name!r}"
            yield DefinitionError("private-asset", message, where=where, hint=f"it exposes {names}")

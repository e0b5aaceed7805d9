"""Keys: the group and name of everything declared, and what a name means where it is written."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assetflow.declare import CheckFunction, MultiAsset, Output, Source
from assetflow.errors import DefinitionError, nearest
from assetflow.load.faults import Faults, relative_place
from assetflow.load.scan import Found, Value
from assetflow.model.keys import AssetKey

__all__ = ["Declared", "Names", "declared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declaration of the project, with its key and its place."""

    key: AssetKey
    value: Value
    #: ``path/from/project/root.py:12``.
    where: str

    @property
    def line(self) -> str:
        """The declaration in an error: its key and place."""
        return f"{self.key}   {self.where}"


def declared(found: Iterable[Found], listed: Sequence[str], root: Path, faults: Faults) -> tuple[Declared, ...]:
    """Everything that was found, in order of discovery. Names that are none are left out and told."""
    result = []
    for value, module in found:
        where = relative_place(value.place.file, value.place.line, root)
        key = AssetKey(_group(value, module, listed), value.name)
        # A check is named in what it says, so any text will do.
        names = (key.group,) if isinstance(value, CheckFunction) else key
        wrong = [part for part in names if not AssetKey.is_name(str(part))]
        if not wrong:
            result.append(Declared(key=key, value=value, where=where))
            continue
        faults.add(
            DefinitionError(
                "bad-name",
                f"{wrong[0]!r} cannot name {'a group' if wrong[0] == key.group else 'an asset'}",
                where=[f"{key}   {where}"],
                hint="use ASCII letters, digits and _, and do not begin with a digit",
            )
        )
    return tuple(result)


def _group(value: Value, found_in: str, listed: Sequence[str]) -> str:
    """As written, else what its module says, else the last name of the listed module that contains it."""
    written = value.group if isinstance(value, Source) else value.options.group
    if written:
        return written
    home = value.place.module
    around = [name for name in listed if f"{home}.".startswith(f"{name}.")]
    if not around:
        home = found_in
        around = [name for name in listed if f"{home}.".startswith(f"{name}.")]
    said = getattr(sys.modules.get(home), "GROUP", None)
    if isinstance(said, str):
        return said
    return max(around, key=len, default=home).rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What can be named: assets by key, by bare name, and by the object that declares them."""

    #: Every asset (a multi-asset's outputs, not itself) with its declaration.
    assets: Mapping[AssetKey, Declared]
    #: Multi-assets by their own key, with their outputs.
    multis: Mapping[AssetKey, tuple[AssetKey, ...]]
    by_name: Mapping[str, tuple[AssetKey, ...]]
    by_object: Mapping[int, Declared] = field(default_factory=dict)
    #: Who declared a key first, multi-assets' own keys included.
    owners: Mapping[AssetKey, Declared] = field(default_factory=dict)
    #: Modules that do not import: what is not found may be there.
    broken: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, all_declared: Iterable[tuple[Declared, tuple[str, ...]]], broken: tuple[str, ...], faults: Faults
    ) -> Names:
        """Index declarations, each with what it makes: a multi-asset's fields, another's beside itself. Duplicates are
        told.
        """
        assets: dict[AssetKey, Declared] = {}
        owners: dict[AssetKey, Declared] = {}
        multis: dict[AssetKey, tuple[AssetKey, ...]] = {}
        by_name: defaultdict[str, list[AssetKey]] = defaultdict(list)
        by_object: dict[int, Declared] = {}
        for each, fields in all_declared:
            by_object[id(each.value)] = each
            outputs = tuple(AssetKey(each.key.group, field) for field in fields)
            if isinstance(each.value, MultiAsset):
                multis.setdefault(each.key, outputs)
            own = set() if each.key in outputs else {each.key}
            for key in (*own, *outputs):
                if (first := owners.setdefault(key, each)) is not each:
                    faults.add(_duplicate(key, first, each))
            for key in outputs if isinstance(each.value, MultiAsset) else (each.key, *outputs):
                if assets.setdefault(key, each) is each:
                    by_name[key.name].append(key)
        names = {name: tuple(sorted(keys)) for name, keys in by_name.items()}
        return cls(assets=assets, multis=multis, by_name=names, by_object=by_object, owners=owners, broken=broken)

    def is_first(self, declared: Declared) -> bool:
        """Whether none of the declaration's keys was declared before."""
        keys = {declared.key, *self.multis.get(declared.key, ())}
        return all(self.owners[key] is declared for key in keys if key in self.owners)

    def resolve(self, text: str, consumer: Declared) -> AssetKey:
        """The asset that a name means for a consumer: of its own group, else the only one of that name.

        Raises DefinitionError ``unknown-input``, ``ambiguous-input``.
        """
        if "." in text:
            group, _, name = text.partition(".")
            key = AssetKey(group, name)
            if key in self.assets:
                return key
            raise self._unknown(text, consumer, [str(each) for each in self.assets])
        key = AssetKey(consumer.key.group, text)
        if key in self.assets:
            return key
        candidates = self.by_name.get(text, ())
        if len(candidates) == 1:
            return candidates[0]
        if not candidates:
            raise self._unknown(text, consumer, self.by_name)
        raise DefinitionError(
            "ambiguous-input",
            f"{consumer.key} takes {text!r}, which {len(candidates)} groups have",
            where=[consumer.line, *(self.assets[each].line for each in candidates[:3])],
            hint=f'write In("{candidates[0]}")',
        )

    def resolve_object(self, value: object, consumer: Declared) -> tuple[AssetKey, ...]:
        """The assets that an object in ``In(...)`` or ``deps`` stands for; several for a whole multi-asset."""
        if isinstance(value, str):
            if (multi := self._multi(value, consumer)) is not None:
                return multi
            return (self.resolve(value, consumer),)
        known = self.by_object.get(id(value.of if isinstance(value, Output) else value))
        if known is None:
            raise DefinitionError(
                "undeclared-input",
                f"{consumer.key} takes {value!r}, which is no asset of this project",
                where=[consumer.line],
                hint="an asset counts when a listed module holds it, by a name of its own or in a list, tuple or dict",
            )
        if not isinstance(known.value, MultiAsset):
            return (known.key,)
        outputs = self.multis.get(known.key, ())
        if not isinstance(value, Output):
            return outputs
        key = AssetKey(known.key.group, value.field)
        if key in outputs:
            return (key,)
        fields = [each.name for each in outputs]
        raise DefinitionError(
            "unknown-input",
            f"{consumer.key} takes {value.field!r} of {known.key}, which makes {', '.join(fields) or 'nothing'}",
            where=[consumer.line, known.line],
            hint=nearest(value.field, fields),
        )

    def _multi(self, text: str, consumer: Declared) -> tuple[AssetKey, ...] | None:
        group, dot, name = text.rpartition(".")
        key = AssetKey(group if dot else consumer.key.group, name)
        return self.multis.get(key) if key not in self.assets else None

    def _unknown(self, text: str, consumer: Declared, words: Iterable[str]) -> DefinitionError:
        hint = nearest(text, words)
        if (multi := self._multi(text, consumer)) is not None:
            hint = f"it makes several assets: {', '.join(key.name for key in multi)}"
        elif text in {"ctx", "context"}:
            hint = f"for the running step, annotate it: {text}: Context"
        elif not hint and (elsewhere := self.by_name.get(text.rpartition(".")[2])):
            hint = f"did you mean {', '.join(str(key) for key in elsewhere[:3])}?"
        elif not hint and self.broken:
            hint = f"it may be in a module that does not import: {', '.join(self.broken[:3])}"
        return DefinitionError(
            "unknown-input",
            f"{consumer.key} takes {text!r}, and there is no such asset",
            where=[consumer.line],
            hint=hint,
        )


def _duplicate(key: AssetKey, first: Declared, second: Declared) -> DefinitionError:
    return DefinitionError(
        "duplicate-key",
        f"{key} is declared twice",
        where=[f"{key}   {first.where}", f"{key}   {second.where}"],
        hint="give one of them another name=, or another group=",
    )

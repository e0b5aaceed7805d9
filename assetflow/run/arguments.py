"""What a function is called with: inputs from memory, store and sources, each as the digest covers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Union, get_args, get_origin

from assetflow.errors import StorageError
from assetflow.load.definitions import BoundInput, BoundSource
from assetflow.model.versions import Stored
from assetflow.store.values import Values
from assetflow.types.handover import handed

__all__ = ["Argument", "Held", "Lying", "Member", "Seen", "Watched", "loaded", "unmoved"]


@dataclass(frozen=True, slots=True)
class Held:
    """A value that this run made and still has."""

    value: Any = field(repr=False)  # a value of the user


@dataclass(frozen=True, slots=True)
class Lying:
    """A value in the store or the catalog."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Seen:
    """One key of a source."""

    source: BoundSource


@dataclass(frozen=True, slots=True)
class Member:
    """One upstream key, and where its value is."""

    key: str
    place: Held | Lying | Seen


@dataclass(frozen=True, slots=True)
class Argument:
    """One input of a call."""

    bound: BoundInput
    members: tuple[Member, ...]

    @property
    def parameter(self) -> str:
        return self.bound.parameter


@dataclass(frozen=True, slots=True)
class Watched:
    """A source that a step reads: the digests that its trace holds, and how to look again."""

    name: str
    versions: Mapping[str, str]
    look: Callable[[], Mapping[str, Stored]]


def unmoved(watched: tuple[Watched, ...]) -> None:
    """Raises StorageError ``source-moved``, which is transient, if a source is not what the trace says it is."""
    for one in watched:
        today = one.look()
        for key, digest in one.versions.items():
            stored = today.get(key)
            if stored is None or stored.data.digest != digest:
                what = f"{one.name}@{key}" if key else one.name
                raise StorageError(
                    "source-moved",
                    f"the source {what} changed while the step ran",
                    hint="run again; Retry(…) on the asset does so by itself",
                )


def loaded(argument: Argument, values: Values) -> Any:  # what the user's function takes
    """The value for one parameter. Raises StorageError for bytes that are gone or damaged, ValueMismatch for a
    value that is not what the parameter's annotation says."""
    bound = argument.bound
    if bound.shape == "dict":
        element = _element(bound.hint)
        return {member.key: _value(member, bound, element, values) for member in argument.members}
    if bound.shape == "table":
        return _table(argument, values)
    if not argument.members and bound.edge.optional:
        return bound.default
    return _value(argument.members[0], bound, bound.hint, values)


def _value(member: Member, bound: BoundInput, hint: object, values: Values) -> Any:
    if bound.edge.columns is not None:
        return _columns(member, bound, hint, values)
    return _whole(member, hint, values)


def _whole(member: Member, hint: object, values: Values) -> Any:
    match member.place:
        case Held(value):
            return handed(value, hint)
        case Lying(stored):
            return values.load(stored, hint)
        case Seen(source):
            from assetflow.load.sources import read  # noqa: PLC0415 - reading brings pyarrow

            return read(source, member.key, hint)


def _columns(member: Member, bound: BoundInput, hint: object, values: Values) -> Any:
    """Only the columns that the consumer names, in its order."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and most inputs are read whole

    from assetflow.types.tables import from_arrow  # noqa: PLC0415

    table = _whole(member, pa.Table, values)
    return from_arrow(table.select(list(bound.edge.columns or ())), hint)


def _table(argument: Argument, values: Values) -> Any:
    """All members as one table, one after the other."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    from assetflow.types.tables import concat, from_arrow  # noqa: PLC0415

    bound = argument.bound
    tables = [_whole(member, pa.Table, values) for member in argument.members]
    if not tables and bound.edge.optional:
        return bound.default
    table = concat(tables)
    if bound.edge.columns is not None:
        table = table.select(list(bound.edge.columns))
    return from_arrow(table, bound.hint)


def _element(hint: object) -> object:
    """The value type of a ``dict[key, value]`` annotation; None where it says nothing."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) is Union:
        hint = next((each for each in get_args(hint) if each is not type(None)), None)
    arguments = get_args(hint)
    return arguments[1] if len(arguments) == 2 else None


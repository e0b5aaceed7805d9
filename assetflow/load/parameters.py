"""Run parameters: their effective values, from default, settings, environment and ``--set``, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from assetflow.errors import AssetflowError, DefinitionError, UsageError, ValueMismatch, nearest
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared, Names
from assetflow.load.settings import Settings
from assetflow.load.signatures import Taken
from assetflow.model.definition import Parameter
from assetflow.model.keys import AssetKey
from assetflow.model.versions import canonical_json
from assetflow.types.hints import hint_text
from assetflow.types.jsonable import to_jsonable

__all__ = ["Effective", "ParameterUse", "effective_parameters"]


class ParameterUse(NamedTuple):
    """A function that takes a run parameter."""

    declared: Declared
    taken: Taken


class Effective(NamedTuple):
    """A parameter's value as the function gets it, and as it is told."""

    value: Any  # a JSON-able value of the user
    shown: Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One place that sets parameters; a later layer wins over an earlier one."""

    origin: str
    #: Where it is written, for errors; the name is put behind it.
    place: str
    values: Mapping[str, Any]  # values as TOML gives them
    #: The values are texts of the command line.
    texts: bool = False


def effective_parameters(
    uses: Sequence[ParameterUse],
    names: Names,
    settings: Settings,
    sets: Sequence[str],
    faults: Faults,
    *,
    complete: bool,
) -> Mapping[tuple[AssetKey, str], Effective]:
    """The value of every run parameter by asset and name; missing, and told, where it is faulty.

    ``complete`` says that every function could be read, so that a parameter which nothing takes is a mistake.
    """
    layers = list(_layers(uses, settings, sets, faults))
    if complete:
        _tell_unknown(layers, uses, faults)
    result: dict[tuple[AssetKey, str], Effective] = {}
    for use in uses:
        try:
            result[use.declared.key, use.taken.name] = _effective(use, names, layers)
        except AssetflowError as error:
            faults.add(error)
    return result


def _layers(uses: Sequence[ParameterUse], settings: Settings, sets: Sequence[str], faults: Faults) -> Iterator[_Layer]:
    bare = {use.taken.name for use in uses}
    place = f"{settings.file}: parameters"
    yield _Layer(origin=settings.file, place=place, values=dict(_flat(settings.parameters, bare)))
    if here := settings.environments.get(settings.environment):
        place = f"{settings.file}: environments.{settings.environment}.parameters"
        yield _Layer(origin=settings.environment_origin(), place=place, values=dict(_flat(here.parameters, bare)))
    texts: dict[str, str] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if equals and name.strip():
            texts[name.strip()] = value
            continue
        faults.add(UsageError("bad-parameter", f"--set {text} sets nothing", hint="write --set NAME=VALUE"))
    yield _Layer(origin="--set", place="--set", values=texts, texts=True)


def _flat(table: Mapping[str, Any], bare: set[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """``shop.trend.factor = 2`` stands in TOML as tables in tables; a parameter's own value may be a table too."""
    for name, value in table.items():
        if isinstance(value, dict) and prefix.count(".") < 2 and not (name in bare and not prefix):
            yield from _flat(value, bare, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _tell_unknown(layers: Sequence[_Layer], uses: Sequence[ParameterUse], faults: Faults) -> None:
    bare = {use.taken.name for use in uses}
    full = {f"{use.declared.key}.{use.taken.name}" for use in uses}
    for layer in layers:
        for name in layer.values:
            if name not in bare and name not in full:
                words = full if "." in name else bare
                hint = nearest(name, sorted(words)) or ("" if words else "no asset has a run parameter")
                where = [] if layer.texts else [f"{layer.place}.{name}"]
                faults.add(
                    UsageError("unknown-parameter", f"no asset has a run parameter {name}", where=where, hint=hint)
                )


def _effective(use: ParameterUse, names: Names, layers: Sequence[_Layer]) -> Effective:
    declared, taken = use
    _refuse_asset_name(use, names)
    hint: Any = taken.hint if taken.hint is not None else _hint_of_default(taken)
    found = _set_by(use, layers)
    if found is not None:
        layer, name = found
        value = _parsed(use, hint, layer, name)
        origin = layer.origin
    elif taken.has_default:
        value, origin = _default(use, hint), "default"
    else:
        raise UsageError(
            "bad-parameter",
            f"{declared.key} needs the parameter {taken.name}, and nothing sets it",
            where=[declared.line],
            hint=f"write it into [parameters], or give --set {taken.name}=VALUE",
        )
    text = canonical_json(_jsonable(use, hint, value))
    return Effective(value, Parameter(name=taken.name, type=hint_text(hint), value=text, origin=origin))


def _refuse_asset_name(use: ParameterUse, names: Names) -> None:
    """A default makes a run parameter, which must not look like an input; ``Param()`` says what is meant."""
    declared, taken = use
    if taken.marker is not None or not (keys := names.by_name.get(taken.name)):
        return
    own = AssetKey(declared.key.group, taken.name)
    asset = own if own in keys else keys[0]
    raise DefinitionError(
        "parameter-names-asset",
        f"{declared.key} has a default for {taken.name!r}, so it is a run parameter, but {asset} is an asset",
        where=[declared.line, names.assets[asset].line],
        hint=f"to read the asset, write {taken.name}: Annotated[T, In()] = …; else rename the parameter",
    )


def _set_by(use: ParameterUse, layers: Sequence[_Layer]) -> tuple[_Layer, str] | None:
    full = f"{use.declared.key}.{use.taken.name}"
    for layer in reversed(layers):
        for name in (full, use.taken.name):
            if name in layer.values:
                return layer, name
    return None


_PLAIN = (bool, int, float, str)


def _default(use: ParameterUse, hint: object) -> Any:  # the user's value
    default = use.taken.default
    # Most parameters are plain numbers and texts: no adapter is built for them.
    if type(default) in _PLAIN and type(default) is hint:
        return default
    try:
        return _adapter(use, hint).validate_python(default)
    except ValidationError as error:
        raise _bad(use, hint, error, [use.declared.line], f"the default {default!r}") from None


def _parsed(use: ParameterUse, hint: object, layer: _Layer, name: str) -> Any:  # the user's value
    adapter, written = _adapter(use, hint), layer.values[name]
    where = [use.declared.line] if layer.texts else [f"{layer.place}.{name}", use.declared.line]
    try:
        if not layer.texts:
            return adapter.validate_python(written)
        try:
            return adapter.validate_strings(written)
        except ValidationError:
            # Lists, dicts and models are written as JSON.
            if written.lstrip()[:1] in {"[", "{"} or written in {"null", "true", "false"}:
                return adapter.validate_json(written)
            raise
    except ValidationError as error:
        raise _bad(use, hint, error, where, f"{name}={written}" if layer.texts else repr(written)) from None


def _bad(use: ParameterUse, hint: object, error: ValidationError, where: list[str], what: str) -> UsageError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = "".join(f".{part}" for part in first["loc"])
    inside = f"{use.taken.name}{path}: " if path else ""
    return UsageError(
        "bad-parameter",
        f"{use.declared.key} takes {use.taken.name}: {hint_text(hint)}, not {what}: {inside}{first['msg']}",
        where=where,
    )


def _hint_of_default(taken: Taken) -> object:
    """Of a parameter without annotation: the class of a plain default, else anything that JSON can hold."""
    return type(taken.default) if type(taken.default) in _PLAIN else Any


def _adapter(use: ParameterUse, hint: Any) -> TypeAdapter[Any]:
    try:
        return _cached_adapter(hint)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise _not_jsonable(use, hint) from None
        return TypeAdapter(hint)
    except PydanticUserError:
        raise _not_jsonable(use, hint) from None


@lru_cache(maxsize=1024)
def _cached_adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _jsonable(use: ParameterUse, hint: object, value: object) -> object:
    """The value as JSON has it; a set in an order of its own, as its own is by chance."""
    if value is None or type(value) in _PLAIN:
        return value
    try:
        written = to_jsonable(value)
    except ValueMismatch:
        raise _not_jsonable(use, type(value) if hint is Any else hint) from None
    return sorted(written, key=canonical_json) if isinstance(value, set | frozenset) else written


def _not_jsonable(use: ParameterUse, hint: object) -> DefinitionError:
    return DefinitionError(
        "bad-parameter",
        f"{use.declared.key} has a default for {use.taken.name!r}, so it is a run parameter,"
        f" but {hint_text(hint)} cannot be written as JSON",
        where=[use.declared.line],
        hint="a run parameter is a number, text, date, or a list, dict or model of them",
    )

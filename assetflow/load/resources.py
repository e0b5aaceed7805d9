"""Resources: found by name or by type, configured from settings, or given; checked against what functions take."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from assetflow.errors import AssetflowError, DefinitionError, UsageError, nearest
from assetflow.load.binding import is_protocol
from assetflow.load.conformance import misfit
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared
from assetflow.load.settings import Settings
from assetflow.load.signatures import Taken
from assetflow.resource import Resource

__all__ = ["Configured", "ResourceNeed", "configured_resources"]


class ResourceNeed(NamedTuple):
    """A function that takes a resource."""

    declared: Declared
    taken: Taken

    @property
    def kind(self) -> type:
        """The Resource class or Protocol that the parameter is annotated with."""
        assert isinstance(self.taken.hint, type)
        return self.taken.hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """Every resource that the project takes, configured and not yet opened, and which of them each need gets."""

    values: Mapping[str, object] = field(default_factory=dict)
    #: By asset key and parameter; missing, and told, where there is none.
    names: Mapping[tuple[object, str], str] = field(default_factory=dict)


class _Configuration(NamedTuple):
    """What settings say about one resource: its values, each with the place it is written at."""

    values: dict[str, Any]  # values as TOML gives them
    places: dict[str, str]
    place: str


def configured_resources(
    needs: Sequence[ResourceNeed],
    settings: Settings,
    given: Mapping[str, object],
    faults: Faults,
    *,
    complete: bool,
) -> Configured:
    """Bind every need: by the parameter's name, else by type if exactly one fits, else to the class's defaults.

    Given objects go before settings. ``complete`` says that no module is missing, so that what nothing takes is a
    mistake.
    """
    binder = _Binder(settings, given)
    names: dict[tuple[object, str], str] = {}
    for phase in (binder.by_name, binder.by_type):
        for need in needs:
            place = (need.declared.key, need.taken.name)
            if place in names:
                continue
            try:
                if (name := phase(need)) is not None:
                    names[place] = name
            except AssetflowError as error:
                names[place] = ""
                faults.add(error)
    if complete:
        taken = {need.taken.name for need in needs} | set(names.values())
        faults.extend(binder.unused(taken))
    return Configured(values=binder.values, names={place: name for place, name in names.items() if name})


class _Binder:
    def __init__(self, settings: Settings, given: Mapping[str, object]) -> None:
        self._settings = settings
        self._given = given
        self._configurations = _configurations(settings)
        self.values: dict[str, object] = {}

    def by_name(self, need: ResourceNeed) -> str | None:
        """The resource of the parameter's name, if one is given or configured."""
        name = need.taken.name
        if name in self._given or name in self._configurations:
            return self._bound(name, need)
        return None

    def by_type(self, need: ResourceNeed) -> str:
        """The only resource of the parameter's type, else one made of the class's defaults."""
        fitting = [name for name in {**self._given, **self._configurations} if self._fits(name, need.kind)]
        if len(fitting) == 1:
            return self._bound(fitting[0], need)
        if len(fitting) > 1:
            raise DefinitionError(
                "missing-resource",
                f"{need.declared.key} takes {need.taken.name!r}, and several resources are a {need.kind.__name__}",
                where=[need.declared.line],
                hint=f"name the parameter {' or '.join(sorted(fitting))}",
            )
        if need.taken.has_default and isinstance(need.taken.default, need.kind):
            self.values.setdefault(need.taken.name, need.taken.default)
            return self._bound(need.taken.name, need)
        if is_protocol(need.kind):
            raise self._missing(need)
        return self._bound(need.taken.name, need)

    def _fits(self, name: str, kind: type) -> bool:
        if name in self._given:
            return isinstance(self._given[name], kind) if not is_protocol(kind) else not misfit(self._given[name], kind)
        if "type" in self._configurations[name].values:
            try:
                cls = self._class(name)
            except AssetflowError:
                return False
            return issubclass(cls, kind) if not is_protocol(kind) else not misfit(cls, kind)
        return isinstance(self.values.get(name), kind) if not is_protocol(kind) else False

    def _bound(self, name: str, need: ResourceNeed) -> str:
        if name not in self.values:
            self.values[name] = self._given[name] if name in self._given else self._made(name, need)
        value = self.values[name]
        if not is_protocol(need.kind) and isinstance(value, need.kind):
            return name
        if reason := misfit(value, need.kind):
            raise DefinitionError(
                "resource-mismatch",
                f"{type(value).__qualname__} cannot stand for {need.kind.__name__} as {name!r}: {reason}",
                where=[need.declared.line],
                hint="give it the same methods with the same parameters",
            )
        return name

    def _made(self, name: str, need: ResourceNeed) -> object:
        found = self._configurations.get(name, _Configuration({}, {}, ""))
        if "type" in found.values:
            cls = self._class(name)
        elif is_protocol(need.kind):
            raise self._missing(need)
        else:
            cls = need.kind
        if not is_protocol(need.kind) and not issubclass(cls, need.kind):
            raise DefinitionError(
                "resource-mismatch",
                f"{name!r} is a {cls.__qualname__}, and {need.declared.key} takes a {need.kind.__name__}",
                where=[found.places.get("type", found.place), need.declared.line],
            )
        _refuse_limits(cls, name, need)
        return self._instance(cls, name, found, need)

    def _instance(self, cls: type, name: str, found: _Configuration, need: ResourceNeed) -> object:
        values = {key: value for key, value in found.values.items() if key != "type"}
        try:
            if issubclass(cls, BaseModel):
                return cls.model_validate(values, context={"root": self._settings.root})
            return cls(**values)
        except ValidationError as error:
            raise _bad(cls, name, found, need, error) from None
        except Exception as error:  # the class is the user's
            where = [place for place in (found.place, need.declared.line) if place]
            message = f"{name}: {cls.__qualname__} cannot be made: {type(error).__name__}: {error}"
            raise UsageError("bad-resource", message, where=where) from error

    def _class(self, name: str) -> type:
        """The class that ``type = "pkg.mod:Class"`` names."""
        found = self._configurations[name]
        text = found.values["type"]
        module, colon, attribute = text.partition(":") if isinstance(text, str) else ("", "", "")
        cls: object = None
        reason = f'{text!r} is not written "package.module:Class"'
        if module and colon and attribute:
            try:
                cls = importlib.import_module(module)
                for part in attribute.split("."):
                    cls = getattr(cls, part)
                reason = f"{text} is no class"
            except Exception as error:  # whatever the user's module raises is told
                cls, reason = None, f"{text} cannot be loaded: {type(error).__name__}: {error}"
        if not isinstance(cls, type):
            raise UsageError("bad-resource", f"{name}.type: {reason}", where=[found.places["type"]])
        return cls

    def _missing(self, need: ResourceNeed) -> DefinitionError:
        name, kind = need.taken.name, need.kind.__name__
        known = nearest(name, [*self._given, *self._configurations])
        return DefinitionError(
            "missing-resource",
            f"{need.declared.key} takes {name}: {kind}, and nothing says which resource that is",
            where=[need.declared.line],
            hint=known or f'write [resources.{name}] with type = "package.module:Class"',
        )

    def unused(self, taken: set[str]) -> list[AssetflowError]:
        """What is configured or given, and no function takes."""
        words = sorted(taken - {""})
        result: list[AssetflowError] = []
        for name in {**self._given, **self._configurations}:
            if name not in taken:
                place = self._configurations[name].place if name not in self._given else ""
                hint = nearest(name, words) or ("" if words else "no asset takes a resource")
                message = f"no asset takes a resource {name}"
                result.append(UsageError("unknown-resource", message, where=[place] if place else [], hint=hint))
        return result


def _configurations(settings: Settings) -> dict[str, _Configuration]:
    """Each configured resource: the general table, field by field overlaid by the environment's."""
    result: dict[str, _Configuration] = {}
    here = settings.environments.get(settings.environment)
    layers = [("resources", settings.resources)]
    if here is not None:
        layers.append((f"environments.{settings.environment}.resources", here.resources))
    for prefix, tables in layers:
        for name, table in tables.items():
            place = f"{settings.file}: {prefix}.{name}"
            found = result.setdefault(name, _Configuration({}, {}, place))
            found.values.update(table)
            found.places.update({key: f"{place}.{key}" for key in table})
    return result


def _bad(
    cls: type[BaseModel], name: str, found: _Configuration, need: ResourceNeed, error: ValidationError
) -> UsageError:
    """Every fault of a configuration with its field path; never the values, which may be secret."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    texts, hint = [], ""
    for fault in faults:
        path = ".".join(str(part) for part in (name, *fault["loc"]))
        if fault["type"] == "extra_forbidden":
            hint = nearest(str(fault["loc"][-1]), cls.model_fields) or f"the fields are {', '.join(cls.model_fields)}"
            texts.append(f"{path} is no field of {cls.__name__}")
        elif fault["type"] == "missing":
            hint = hint or f"write it into [resources.{name}]"
            texts.append(f"{path} is missing")
        else:
            texts.append(f"{path}: {fault['msg'].removeprefix('Value error, ')}")
    first = faults[0]["loc"]
    place = found.places.get(str(first[0]), found.place) if first else found.place
    where = [each for each in (place, need.declared.line) if each]
    return UsageError("bad-resource", "; ".join(texts), where=where, hint=hint)


def _refuse_limits(cls: type, name: str, need: ResourceNeed) -> None:
    if issubclass(cls, Resource) and (cls.max_concurrent_ is not None or cls.rate_ is not None):
        keyword = "max_concurrent" if cls.max_concurrent_ is not None else "rate"
        raise DefinitionError(
            "not-there-yet",
            f"{cls.__name__} (resource {name!r}) has {keyword}=, which is not enforced yet",
            where=[need.declared.line],
            hint="leave the limit out for now",
        )

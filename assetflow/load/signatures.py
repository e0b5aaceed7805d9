"""What a declared function takes and gives: its parameters and annotations, read and resolved."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from assetflow.declare import Asset, In, MultiAsset, Param, Source, SqlAsset
from assetflow.errors import AssetflowError, DefinitionError
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared
from assetflow.model.keys import AssetKey
from assetflow.types.hints import bare, hint_text, is_dict, resolved, resolved_fields
from assetflow.types.rowmodels import misplaced_model, row_model_of

__all__ = ["NO_DEFAULT", "Signature", "Taken", "read_signature"]


class _NoDefault:
    """Stands where a parameter has no default."""


NO_DEFAULT = _NoDefault()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One parameter of a function."""

    name: str
    #: The resolved annotation, without our markers; None where there is none.
    hint: object
    marker: In | Param | None
    default: object = NO_DEFAULT

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes and gives."""

    parameters: tuple[Taken, ...] = ()
    #: The resolved return annotation; None where there is none (``-> None`` is ``NoneType``).
    returns: object = None
    #: It returns a dict of these by the keys of several partitions, and what this is annotated with.
    by_key: bool = False
    keys: object = None
    #: Of a multi-asset: each field of the NamedTuple with its annotation.
    fields: Mapping[str, object] = field(default_factory=dict)


def read_signature(declared: Declared, faults: Faults) -> Signature | None:
    """The signature of an asset's function; None, and the mistakes told, where it cannot serve."""
    if isinstance(declared.value, Source):
        try:
            row_model_of(declared.value.type)
        except AssetflowError as error:
            faults.add(type(error)(error.code, error.message, where=[declared.line], hint=error.hint))
            return None
        return Signature(returns=declared.value.type)
    if isinstance(declared.value, SqlAsset):
        return Signature()  # what it takes and gives is in its query
    function = declared.value.function
    try:
        hints = resolved(function)
        parameters = tuple(_taken(declared, each, hints) for each in _parameters(declared, function))
        fields = _fields(declared, hints.get("return")) if isinstance(declared.value, MultiAsset) else {}
        returns, by_key, keys = _returns(declared, hints.get("return"))
        given = [hint for name, hint in hints.items() if name != "return"]
        for hint in (*given, returns, *fields.values()):
            row_model_of(hint)
        for place, hint in ((f"parameter {each.name!r}", each.hint) for each in parameters):
            _refuse_misplaced(declared, place, hint, in_dict=True)
        for place, hint in (("what it returns", returns), *fields.items()):
            _refuse_misplaced(declared, place, hint, in_dict=False)
    except AssetflowError as error:
        faults.add(type(error)(error.code, error.message, where=[declared.line], hint=error.hint))
        return None
    return Signature(parameters=parameters, returns=returns, by_key=by_key, keys=keys, fields=fields)


def _returns(declared: Declared, hint: object) -> tuple[object, bool, object]:
    """The type of one partition; whether it is returned by key, and how keys are annotated."""
    value = declared.value
    if not isinstance(value, Asset) or not value.options.batch or not is_dict(hint):
        return hint, False, None
    arguments = typing.get_args(bare(hint))
    keys, returns = arguments if len(arguments) == 2 else (None, None)
    return returns, True, keys


def _parameters(declared: Declared, function: Callable[..., Any]) -> list[inspect.Parameter]:
    if inspect.isasyncgenfunction(function):
        raise DefinitionError(
            "bad-signature",
            f"{declared.key} is an async generator, which yields values one by one",
            hint="collect them in the function, and return them",
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise DefinitionError("bad-signature", f"the parameters of {declared.key} cannot be read: {error}") from None
    parameters = list(signature.parameters.values())
    for each in parameters:
        if each.kind not in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}:
            raise DefinitionError(
                "bad-signature",
                f"{declared.key} takes {each}, which cannot be filled by name",
                hint="write each input as a parameter of its own",
            )
    return parameters


def _taken(declared: Declared, parameter: inspect.Parameter, hints: Mapping[str, object]) -> Taken:
    default = NO_DEFAULT if parameter.default is parameter.empty else parameter.default
    if isinstance(default, In | Param):
        raise DefinitionError(
            "misplaced-marker",
            f"{declared.key} has {type(default).__name__}(...) as the default of {parameter.name!r}",
            hint=f"write {parameter.name}: Annotated[T, {type(default).__name__}(...)]",
        )
    hint, marker = _unmarked(hints.get(parameter.name))
    return Taken(name=parameter.name, hint=hint, marker=marker, default=default)


def _unmarked(hint: object) -> tuple[object, In | Param | None]:
    """An annotation without our markers, and the marker."""
    if typing.get_origin(hint) is not Annotated:
        return hint, None
    kind, *metadata = typing.get_args(hint)
    marker = next(
        (In() if each is In else Param() if each is Param else each for each in metadata if _marks(each)), None
    )
    rest = tuple(each for each in metadata if not _marks(each))
    return (Annotated[(kind, *rest)] if rest else kind), marker


def _marks(value: object) -> bool:
    return isinstance(value, In | Param) or value is In or value is Param


def _fields(declared: Declared, returns: object) -> Mapping[str, object]:
    names = getattr(returns, "_fields", None)
    if not (isinstance(returns, type) and issubclass(returns, tuple) and names):
        raise DefinitionError(
            "bad-outputs",
            f"{declared.key} is a @multi_asset and must be annotated with the NamedTuple that it returns",
            hint="class Split(NamedTuple): train: pl.DataFrame; test: pl.DataFrame",
        )
    for name in names:
        if not AssetKey.is_name(name):
            raise DefinitionError("bad-name", f"{name!r} cannot name an asset of {declared.key}")
    hints = resolved_fields(returns)
    return {name: hints.get(name) for name in names}


def _refuse_misplaced(declared: Declared, place: str, hint: object, *, in_dict: bool) -> None:
    if (model := misplaced_model(hint, in_dict=in_dict)) is not None:
        raise DefinitionError(
            "bad-row-model",
            f"{declared.key}: the row model {model.__name__} stands inside of {hint_text(hint)} ({place}), where no "
            "table is held to it",
            hint=f"annotate the table itself: Annotated[…, {model.__name__}]",
        )

"""Annotations as they are written, resolved to types."""

from __future__ import annotations

import functools
import inspect
import operator
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ForwardRef, Literal, get_args, get_origin

from assetflow.errors import DefinitionError
from assetflow.types.scope import Scope
from assetflow.types.spelling import hint_text

__all__ = ["resolved", "resolved_fields"]


def resolved(function: Callable[..., object]) -> dict[str, object]:
    """The annotations of a function by parameter, ``"return"`` included, as types.

    Postponed annotations and text inside others are evaluated; names may come from the module, from ``if
    TYPE_CHECKING:`` (which is imported for real), from the closure and from an enclosing function. ``Annotated`` keeps
    its metadata; ``None`` becomes ``NoneType``. Raises DefinitionError ``unresolved-annotation``, which names every
    annotation of the function that cannot be resolved.
    """
    function = _written(function)
    found, failed = _resolved(Scope.of_function(function), getattr(function, "__annotations__", {}))
    if failed:
        raise DefinitionError(
            "unresolved-annotation",
            f"the annotations of {function.__qualname__} cannot be resolved: {'; '.join(failed.values())}",
            where=(_place(function),),
            hint="import the names that the annotations use, also under `if TYPE_CHECKING:`",
        )
    return found


def resolved_fields(cls: type) -> dict[str, object]:
    """The annotations of a class and its bases, base first, as types.

    Raises DefinitionError ``unresolved-annotation``.
    """
    fields: dict[str, object] = {}
    for owner in reversed(cls.__mro__):
        annotations = inspect.get_annotations(owner)
        if annotations and owner.__module__ not in ("typing", "typing_extensions", "pydantic.main"):
            found, failed = _resolved(Scope.of_class(owner), annotations)
            if failed:
                raise DefinitionError(
                    "unresolved-annotation",
                    f"the fields of {owner.__qualname__} cannot be resolved: {'; '.join(failed.values())}",
                )
            fields.update(found)
    return fields


def _written(function: Callable[..., object]) -> Callable[..., object]:
    """The function whose annotations were written: under partials, wrappers, methods, callable instances."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif isinstance(function, types.MethodType):
            function = function.__func__
        elif not hasattr(function, "__qualname__") and callable(function):
            function = type(function).__call__
        else:
            return function


def _place(function: Callable[..., object]) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return f"{function.__module__}.{function.__qualname__}"
    path = Path(code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{code.co_firstlineno}"


def _resolved(scope: Scope, annotations: dict[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    found: dict[str, object] = {}
    failed: dict[str, str] = {}
    for name, hint in annotations.items():
        try:
            found[name] = type(None) if hint is None else _evaluated(hint, scope)
        except Exception as error:  # evaluating runs whatever the annotation says
            text = hint if isinstance(hint, str) else hint_text(hint)
            reason = str(error) if isinstance(error, NameError) else f"{type(error).__name__}: {error}"
            failed[name] = f"{name}: {text} ({reason})"
    return found, failed


def _evaluated(hint: object, scope: Scope) -> object:
    """A hint without text in it."""
    if isinstance(hint, str):
        value = scope.evaluate(hint)
        return type(None) if value is None else _evaluated(value, scope)
    if isinstance(hint, ForwardRef):
        module = hint.__forward_module__
        named = module if isinstance(module, str) else getattr(module, "__name__", scope.module)
        # A TypedDict takes over its bases' annotations, with the module in which they were written.
        return _evaluated(hint.__forward_arg__, scope if named == scope.module else Scope(named))
    origin = get_origin(hint)
    if origin is None or origin is Literal:
        return hint
    if origin is Annotated:
        base, *metadata = get_args(hint)
        inner = _evaluated(base, scope)
        return hint if inner is base else Annotated[(inner, *metadata)]
    return _rebuilt(hint, scope)


def _rebuilt(hint: Any, scope: Scope) -> object:  # a generic alias; its classes are private to typing
    arguments = tuple(_evaluated(part, scope) if not isinstance(part, list) else part for part in hint.__args__)
    if all(new is old for new, old in zip(arguments, hint.__args__, strict=True)):
        return hint
    if isinstance(hint, types.UnionType):
        return functools.reduce(operator.or_, arguments)
    if isinstance(hint, types.GenericAlias):
        return types.GenericAlias(typing.cast(type, hint.__origin__), arguments)
    if hasattr(hint, "copy_with"):
        return hint.copy_with(arguments)
    return hint.__origin__[arguments]

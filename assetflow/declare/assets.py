"""``@asset``: a function and the value that it says should exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, Unpack, overload

from assetflow.declare.arguments import AssetArguments, Options, options_of
from assetflow.declare.places import Place, function_place, local_classes
from assetflow.errors import DefinitionError

__all__ = ["Asset", "AssetDecorator", "asset"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


@dataclass(frozen=True, eq=False, repr=False)
class Asset(Generic[P, R_co]):
    """A named, typed value that should exist, and the function that makes it. Calling it is calling the function."""

    function: Callable[P, R_co]
    name: str
    options: Options
    place: Place
    #: Classes that only the enclosing function knows. Postponed annotations name them, and nothing else keeps them.
    kept: tuple[type, ...] = ()

    def __post_init__(self) -> None:
        look_like(self, self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<asset {self.name}>"


class AssetDecorator:
    """``@asset`` itself, or ``@asset`` with defaults: see :meth:`using`."""

    def __init__(self, defaults: AssetArguments | None = None) -> None:
        self._defaults: AssetArguments = defaults or {}

    @overload
    def __call__(self, function: Callable[P, R], /) -> Asset[P, R]: ...

    @overload
    def __call__(self, /, **arguments: Unpack[AssetArguments]) -> Callable[[Callable[P, R]], Asset[P, R]]: ...

    def __call__(self, function: Callable[P, R] | None = None, /, **arguments: Unpack[AssetArguments]) -> Any:
        """Declare an asset: ``@asset``, or ``@asset(name=..., group=..., ...)``."""
        options = options_of({**self._defaults, **arguments})
        if function is None:
            return lambda function: declared_asset(function, options)
        return declared_asset(function, options)

    def using(self, **defaults: Unpack[AssetArguments]) -> AssetDecorator:
        """A decorator like this one with other defaults: ``daily = asset.using(retry=Retry(3))``."""
        return AssetDecorator({**self._defaults, **defaults})


asset = AssetDecorator()


def declared_asset(function: Callable[P, R], options: Options) -> Asset[P, R]:
    """The asset that a function and its options declare."""
    name = options.name or own_name(function, "@asset")
    return Asset(function, name, options, function_place(function), local_classes(function))


def own_name(function: object, decorator: str) -> str:
    """The name of a decorated function. Raises DefinitionError ``not-a-function``."""
    name = getattr(function, "__name__", None)
    if not callable(function) or (name is None and not hasattr(function, "func")):
        raise DefinitionError(
            "not-a-function",
            f"{decorator} decorates a function, not {function!r}",
            hint=f'arguments are written by name: {decorator}(name="orders")',
        )
    return name or ""


def look_like(value: object, function: object) -> None:
    """Give a frozen value the name, docstring and signature of a function, for people and their tools."""
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        object.__setattr__(value, name, getattr(function, name, None))
    object.__setattr__(value, "__wrapped__", function)

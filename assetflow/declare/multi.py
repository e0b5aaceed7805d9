"""``@multi_asset``: one function that makes several assets, published together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, Unpack, overload

from assetflow.declare.arguments import MultiAssetArguments, Options, options_of
from assetflow.declare.assets import look_like, own_name
from assetflow.declare.places import Place, function_place, local_classes

__all__ = ["MultiAsset", "Output", "multi_asset"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Output:
    """One of the assets of a multi-asset, to name in ``In(...)`` and ``deps``: ``split["train"]``."""

    of: MultiAsset[..., Any]
    field: str


@dataclass(frozen=True, eq=False, repr=False)
class MultiAsset(Generic[P, R_co]):
    """A function that returns a NamedTuple, each field of which is an asset. Calling it is calling the function."""

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

    def __getitem__(self, field: str) -> Output:
        """The asset that is the field of this name. Whether there is one is checked when the project is loaded."""
        return Output(self, field)

    # A class with __getitem__ would otherwise be iterated by asking for [0], [1], … without end.
    __iter__ = None

    def __repr__(self) -> str:
        return f"<multi_asset {self.name}>"


@overload
def multi_asset(function: Callable[P, R], /) -> MultiAsset[P, R]: ...


@overload
def multi_asset(**arguments: Unpack[MultiAssetArguments]) -> Callable[[Callable[P, R]], MultiAsset[P, R]]: ...


def multi_asset(function: Callable[P, R] | None = None, /, **arguments: Unpack[MultiAssetArguments]) -> Any:
    """Declare the assets that are the fields of the NamedTuple which the function returns."""
    options = options_of(arguments)
    if function is None:
        return lambda function: _declared(function, options)
    return _declared(function, options)


def _declared(function: Callable[P, R], options: Options) -> MultiAsset[P, R]:
    name = options.name or own_name(function, "@multi_asset")
    return MultiAsset(function, name, options, function_place(function), local_classes(function))

"""``@check``: a function that judges an asset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from assetflow.declare.arguments import Options
from assetflow.declare.assets import look_like, own_name
from assetflow.declare.places import Place, function_place, local_classes
from assetflow.model.checks import CheckResult, Severity

if TYPE_CHECKING:
    from assetflow.declare.assets import Asset
    from assetflow.declare.multi import MultiAsset, Output
    from assetflow.declare.sources import Source

__all__ = ["CheckFunction", "check"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R", bound=bool | CheckResult | None)


@dataclass(frozen=True, eq=False, repr=False)
class CheckFunction(Generic[P, R_co]):
    """A function that judges an asset. Calling it is calling the function."""

    function: Callable[P, R_co]
    #: What it judges: a declaration or a name.
    of: object
    name: str
    severity: Severity | str
    options: Options
    place: Place
    #: Classes that only the enclosing function knows. Postponed annotations name them, and nothing else keeps them.
    kept: tuple[type, ...] = ()

    def __post_init__(self) -> None:
        look_like(self, self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<check {self.name}>"


def check(
    of: Asset[..., Any] | MultiAsset[..., Any] | Output | Source | str,
    /,
    *,
    severity: Severity | str = Severity.BLOCK,
    name: str = "",
    version: str | None = None,
    version_includes: Sequence[Path | object] = (),
    description: str = "",
) -> Callable[[Callable[P, R]], CheckFunction[P, R]]:
    """Declare that a function judges an asset: ``@check(orders)``.

    Its parameters are those of an asset's function: the asset itself by its name, other assets, run parameters,
    resources. It returns whether the value passes, or a :class:`CheckResult`; None, and raising nothing, passes; an
    ``assert`` that fails, fails it. It is asked before the value is published, and the value is held back if it fails;
    with ``severity="warn"`` that is only told.
    """
    options = Options(version=version, version_includes=version_includes, description=description)

    def declared(function: Callable[P, R]) -> CheckFunction[P, R]:
        own = name or own_name(function, "@check")
        return CheckFunction(function, of, own, severity, options, function_place(function), local_classes(function))

    return declared

"""What settings, the command line and the caller say of the functions: run parameters and resources."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetflow import load as room
from assetflow import resource as resources
from assetflow.load.faults import Faults
from assetflow.load.functions import Function
from assetflow.load.naming import Names
from assetflow.load.settings import Settings
from assetflow.model.keys import AssetKey

if TYPE_CHECKING:
    from assetflow.load.parameters import Effective

__all__ = ["Outside", "outside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Effective parameters, and resources that are configured and not yet opened."""

    #: By asset and parameter; missing, and told, where it is faulty.
    parameters: Mapping[tuple[AssetKey, str], Effective] = field(default_factory=dict)
    #: By the resource's name: a Resource, or what a Protocol is bound to.
    resources: Mapping[str, object] = field(default_factory=dict)
    #: Which resource each parameter gets, by asset and parameter; missing, and told, where there is none.
    names: Mapping[tuple[object, str], str] = field(default_factory=dict)
    #: Class and tracked fields of each resource, as canonical JSON.
    tracked: Mapping[str, str] = field(default_factory=dict)


def outside(
    functions: Collection[Function],
    names: Names,
    settings: Settings,
    sets: Sequence[str],
    given: Mapping[str, object],
    faults: Faults,
    *,
    complete: bool,
) -> Outside:
    """What the functions get. What is set or configured and no function takes is told where all could be read
    (``complete``). Nothing is loaded for functions that take neither, of which nobody says anything.
    """
    roles = [each.roles for each in functions]
    said = settings.parameters or settings.resources or settings.environments or sets or given
    if not said and not any(role.parameters or role.resources for role in roles):
        return Outside()
    uses = [room.parameters.ParameterUse(each.declared, taken) for each in functions for taken in each.roles.parameters]
    needs = [room.resources.ResourceNeed(each.declared, taken) for each in functions for taken in each.roles.resources]
    parameters = room.parameters.effective_parameters(uses, names, settings, sets, faults, complete=complete)
    configured = room.resources.configured_resources(needs, settings, given, faults, complete=complete)
    return Outside(
        parameters=parameters,
        resources=configured.values,
        names=configured.names,
        tracked={name: resources.tracked(value) for name, value in configured.values.items()},
    )

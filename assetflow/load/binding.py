"""What each parameter of a function is: input, run parameter, resource, or the running step."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from assetflow.declare import In, Param
from assetflow.load.signatures import Signature, Taken
from assetflow.model.context import Context
from assetflow.resource import is_resource

__all__ = ["Roles", "is_protocol", "roles"]

_STANDARD = sys.stdlib_module_names | {"typing_extensions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The parameters of one function, by what they are."""

    inputs: tuple[Taken, ...] = ()
    parameters: tuple[Taken, ...] = ()
    resources: tuple[Taken, ...] = ()
    #: The parameter that takes the running step; empty where there is none.
    context: str = ""


def roles(signature: Signature) -> Roles:
    """Decide by the first rule that fits: a marker, Context, a resource's type, a default; else it is an input."""
    inputs, parameters, resources, context = [], [], [], ""
    for each in signature.parameters:
        if isinstance(each.marker, In):
            inputs.append(each)
        elif isinstance(each.marker, Param):
            parameters.append(each)
        elif isinstance(each.hint, type) and issubclass(each.hint, Context):
            context = each.name
        elif _is_resource(each.hint):
            resources.append(each)
        elif each.has_default:
            parameters.append(each)
        else:
            inputs.append(each)
    return Roles(inputs=tuple(inputs), parameters=tuple(parameters), resources=tuple(resources), context=context)


def _is_resource(hint: object) -> bool:
    return isinstance(hint, type) and (is_protocol(hint) or is_resource(hint))


def is_protocol(hint: object) -> bool:
    """Whether this is a Protocol of the user's: those of the standard library describe values, not resources."""
    if not (isinstance(hint, type) and getattr(hint, "_is_protocol", False)):
        return False
    return hint.__module__.partition(".")[0] not in _STANDARD

"""Annotations: resolved to types, written for people, and in the one spelling that traces compare."""

from collections.abc import Mapping
from typing import Annotated, get_args, get_origin

from assetflow.types.identity import hint_identity
from assetflow.types.resolving import resolved, resolved_fields
from assetflow.types.spelling import hint_text

__all__ = ["bare", "hint_identity", "hint_text", "is_dict", "resolved", "resolved_fields"]


def bare(hint: object) -> object:
    """An annotation without what is said beside it."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def is_dict(hint: object) -> bool:
    """Whether an annotation is that of values by key."""
    origin = get_origin(bare(hint)) or bare(hint)
    return isinstance(origin, type) and issubclass(origin, dict | Mapping)

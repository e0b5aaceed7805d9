"""Which asset a name means: its full name, or its bare one wherever no other asset has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assetflow.errors import UsageError, nearest
from assetflow.model.keys import AssetKey

__all__ = ["ambiguous", "key_named", "unknown"]

_SHOWN = 5


def key_named(name: str, keys: Iterable[AssetKey]) -> AssetKey:
    """The one of these keys with this bare or full name. Raises UsageError ``unknown-asset``, ``ambiguous-asset``."""
    known = sorted(keys)
    found = [key for key in known if str(key) == name] or [key for key in known if key.name == name]
    if not found:
        raise unknown(name, known)
    if len(found) > 1:
        raise ambiguous(name, found)
    return found[0]


def ambiguous(name: str, found: Sequence[AssetKey]) -> UsageError:
    """The error where a name may mean any of these."""
    hint = f"write the group too: {found[0]}" if name != str(found[0]) else ""
    return UsageError("ambiguous-asset", f"{name!r} may be {', '.join(map(str, found))}", hint=hint)


def unknown(name: str, keys: Sequence[AssetKey]) -> UsageError:
    """The error where a name means none of these: it has the nearest ones, else the first few."""
    full = {str(key) for key in keys}
    bare = {key.name for key in keys}
    hint = nearest(name, sorted(full if "." in name else bare)) or nearest(name.rpartition(".")[2], sorted(bare))
    if not hint and keys:
        more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
        hint = f"there are {', '.join(map(str, keys[:_SHOWN]))}{more}"
    return UsageError("unknown-asset", f"there is no asset {name!r}", hint=hint or "there is none")

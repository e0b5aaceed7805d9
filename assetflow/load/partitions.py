"""How assets are cut, and which keys of one the keys of another read: as written, else as there is one sensible way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from datetime import date, datetime
from typing import Any

from assetflow.declare import Files, Source
from assetflow.errors import AssetflowError, DefinitionError, nearest
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared, Names
from assetflow.model.calendars import Calendar, Daily, Hourly, KeyType, Monthly, Weekly
from assetflow.model.definition import Input
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import (
    All,
    ByDimension,
    Computed,
    KeyByKey,
    Last,
    Mapping,
    Only,
    Overlap,
    PerDimension,
    Previous,
    Rolling,
    Same,
)
from assetflow.model.partitioning import SINGLE, Dynamic, KeysOf, Partitioning, Product, Static, dynamic_of

__all__ = ["ImpossibleError", "cut_by", "inferred", "key_type", "lookback_of", "mapped", "partitioning", "unfollowed"]

_ACCEPTED = (
    'partitions= takes Daily("2026-01-01"), Static("eu", "us"), Dynamic("customers"), Product(…), or a source of '
    "Files(...)"
)


def partitioning(declared: Declared, names: Names, faults: Faults) -> Partitioning:
    """How an asset is cut: as it says, by the files of the source that it names, else not at all."""
    if isinstance(declared.value, Source):
        return KeysOf(declared.key) if isinstance(declared.value.at, Files) else SINGLE
    wanted: object = declared.value.options.partitions
    found: Partitioning = SINGLE
    try:
        found = SINGLE if wanted is None else _read(wanted, declared, names)
    except AssetflowError as error:
        faults.add(error)
        return SINGLE
    lookback: object = declared.value.options.lookback
    if lookback is not None and not calendars(found):
        message = f"{declared.key}: lookback= counts windows of time, and its partitions are none"
        faults.add(
            DefinitionError("bad-argument", message, where=[declared.line], hint="leave it out, or use max_age=")
        )
    return found


def _since(product: Product) -> str:
    return next((each.since for each in product.dimensions.values() if isinstance(each, Dynamic) and each.since), "")


def _read(wanted: object, declared: Declared, names: Names, *, inside: bool = False) -> Partitioning:
    """Raises DefinitionError for what is no partitioning, or a faulty one. ``inside`` of a product."""
    if isinstance(wanted, Source) and isinstance(wanted.at, Files):
        (source,) = names.resolve_object(wanted, declared)
        return KeysOf(source)
    wrong: Iterable[str] = ()
    if isinstance(wanted, Static):
        wrong = filter(None, [_wrong_keys(wanted)])
        found: Partitioning = wanted
    elif isinstance(wanted, Calendar):
        wrong = wanted.faults
        found = wanted
    elif isinstance(wanted, Dynamic):
        found = _dynamic(wanted, declared, names)
    elif isinstance(wanted, Product):
        if any(isinstance(each, Product) for each in wanted.dimensions.values()):
            wrong = ["a dimension of Product() is a Product() itself: name all dimensions in one"]
        elif len(wanted.dimensions) < 2:
            wrong = ["Product() has fewer than two dimensions"]
        elif (since := _since(wanted)) and len(calendars(wanted)) != 1:
            wrong = [
                f"since={since!r} limits the windows of one dimension of time, and there are {len(calendars(wanted))}"
            ]
        found = Product(**{name: _read(each, declared, names, inside=True) for name, each in wanted.dimensions.items()})
    else:
        wrong = [f"it is partitioned by {wanted!r}"]
        found = SINGLE
    if isinstance(wanted, Dynamic) and wanted.since and not inside:
        wrong = [f"since={wanted.since!r} limits the windows of a product"]
    for each in wrong:
        message = f"{declared.key}: {each}"
        raise DefinitionError("bad-argument", message, where=[declared.line], hint=_ACCEPTED)
    return found


def _dynamic(wanted: Dynamic, declared: Declared, names: Names) -> Dynamic:
    """With the asset that gives the keys by its key."""
    name: Any = wanted.name  # anything the user wrote
    line = [declared.line]
    if wanted.source is None:
        if not isinstance(name, str) or not AssetKey.is_name(name):
            message = f"{declared.key}: Dynamic({name!r}) is no name of a set of keys"
            raise DefinitionError("bad-argument", message, where=line, hint='write Dynamic("customers")')
        if wanted.column or wanted.since:
            what = "column=" if wanted.column else "since="
            message = f"{declared.key}: Dynamic({name!r}) has keys of its own, so {what} says nothing"
            raise DefinitionError("bad-argument", message, where=line, hint="leave it out, or write Dynamic(keys=…)")
        return wanted
    if name:
        message = f"{declared.key}: Dynamic({name!r}, keys=…) has two sorts of keys"
        raise DefinitionError("bad-argument", message, where=line, hint="leave out one of them")
    found = names.resolve_object(wanted.source, declared)
    if len(found) != 1:
        message = f"{declared.key}: Dynamic(keys=…) names several assets"
        raise DefinitionError("bad-argument", message, where=line, hint='name one: keys=split["train"]')
    return Dynamic(keys=found[0], column=wanted.column, since=wanted.since)


def cut_by(partitioning: Partitioning) -> tuple[Input, ...]:
    """What gives the keys, as inputs of the node that is cut: see ``Node.cut_by``."""
    return tuple(
        Input(parameter="", asset=each.source, mapping=All(), loaded=False)
        for each in dynamic_of(partitioning)
        if each.source is not None
    )


def calendars(partitioning: Partitioning) -> list[Calendar]:
    """Its dimensions of time."""
    return [each for each in _dimensions(partitioning).values() if isinstance(each, Calendar)]


def lookback_of(lookback: int | None, partitioning: Partitioning) -> int | None:
    """``Node.lookback``: what is said; else 0 where a window may be made before it has ended."""
    if lookback is not None:
        return lookback
    return 0 if any(each.open for each in calendars(partitioning)) else None


def _wrong_keys(wanted: Static) -> str | None:
    keys: Any = wanted.names  # anything the user wrote
    if not keys:
        return "Static() has no keys"
    for key in keys:
        if not isinstance(key, str):
            return f"{key!r} is no key of Static(): a key is a text"
        if not key or key != key.encode(errors="replace").decode():
            return f"{key!r} cannot be a key of Static()"
    double = next((key for key, count in Counter(keys).items() if count > 1), None)
    return None if double is None else f"Static() has the key {double!r} twice"


def inferred(own: Partitioning, upstream: Partitioning) -> Mapping | None:
    """The one sensible mapping: the same keys, windows that overlap, dimension by dimension; None: there is none."""
    if upstream == SINGLE:
        return All()
    if own == upstream or (isinstance(own, Dynamic) and isinstance(upstream, Dynamic) and own.set == upstream.set):
        return Same()
    if own == SINGLE:
        return None
    if isinstance(own, Product) or isinstance(upstream, Product):
        parts = _parts(own, upstream, {})
        return None if any(part is None for _, _, part in parts) else _by_dimension(parts)
    return _in_time(own, upstream)


def _in_time(own: Partitioning, upstream: Partitioning) -> Mapping | None:
    if not isinstance(own, Calendar) or not isinstance(upstream, Calendar):
        return None
    if own.calendar == upstream.calendar:
        return Same()
    return Overlap(many=not _within(own, upstream))


#: Which windows lie in which, where the zone is the same and days begin at midnight.
_LIES_IN = {Hourly: (Daily, Weekly, Monthly), Daily: (Weekly, Monthly)}


def _within(own: Calendar, upstream: Calendar) -> bool:
    plain = own.tz == upstream.tz and not own.offset and not upstream.offset
    return plain and isinstance(upstream, _LIES_IN.get(type(own), ()))


_Part = tuple[str, str, Mapping | None]


def _dimensions(partitioning: Partitioning) -> MappingABC[str, Partitioning]:
    return partitioning.dimensions if isinstance(partitioning, Product) else {"": partitioning}


def _parts(own: Partitioning, upstream: Partitioning, said: MappingABC[str, object]) -> list[_Part]:
    """Each upstream dimension, the own one that it follows, and how; None: nothing suggests itself."""
    mine = {} if own == SINGLE else _dimensions(own)
    found: list[_Part] = []
    for name, cut in _dimensions(upstream).items():
        followed = next((each for each in mine if each == name and inferred(mine[each], cut)), None)
        if followed is None:
            candidates = [each for each, part in mine.items() if inferred(part, cut) is not None]
            followed = candidates[0] if len(candidates) == 1 else None
        written = said.get(name)
        if written is not None:
            part = mapped(written, SINGLE if followed is None else mine[followed], cut)
            follows = not isinstance(part, All | Last | Only)
            found.append((name, followed or "" if follows else "", part))
        else:
            found.append((name, followed or "", None if followed is None else inferred(mine[followed], cut)))
    return found


def _by_dimension(parts: Iterable[_Part]) -> ByDimension:
    return ByDimension(tuple((name, followed, part) for name, followed, part in parts if part is not None))


def unfollowed(own: Partitioning, upstream: Partitioning) -> tuple[str, ...]:
    """The upstream dimensions that follow none of the own ones."""
    return tuple(name for name, _, part in _parts(own, upstream, {}) if part is None and name)


class ImpossibleError(DefinitionError):
    """Why a mapping that is written cannot be, and what could."""


def mapped(wanted: object, own: Partitioning, upstream: Partitioning) -> Mapping:
    """A mapping as it is written in ``In(partitions=…)``, between two partitionings. Raises ImpossibleError."""
    match wanted:
        case All():
            return wanted
        case Same():
            found = inferred(own, upstream)
            if isinstance(found, Same) or (own == SINGLE and upstream == SINGLE):
                return wanted if own != SINGLE else All()
            raise ImpossibleError("impossible-mapping", "they do not have the same keys")
        case Rolling() | Previous():
            _counted(wanted)
            return _moved(wanted, own, upstream)
        case Last():
            _counted(wanted)
            if own != SINGLE:
                raise ImpossibleError(
                    "impossible-mapping",
                    "Last() is for what is not partitioned itself",
                    hint="write Rolling(n) or Previous(n)",
                )
            return _newest(wanted, upstream)
        case Only():
            _there(wanted.keys, upstream)
            return wanted
        case PerDimension():
            return _per_dimension(wanted, own, upstream)
        case MappingABC():
            return _key_by_key(wanted, own, upstream)
    if callable(wanted) and not isinstance(wanted, type):
        return Computed(wanted, getattr(wanted, "__qualname__", type(wanted).__name__))
    raise ImpossibleError(
        "bad-argument",
        f"partitions={wanted!r} is no mapping",
        hint='write All(), Same(), Rolling(28), Previous(), Last(7), Only("eu"), PerDimension(…), a dict or a function',
    )


def _counted(wanted: Rolling | Previous | Last) -> None:
    n: Any = wanted.n  # anything the user wrote
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ImpossibleError(
            "bad-argument", f"{type(wanted).__name__}({n!r}) counts no keys", hint="write a number from 1 on"
        )


def _moved(wanted: Rolling | Previous, own: Partitioning, upstream: Partitioning) -> Mapping:
    if isinstance(own, Calendar) and isinstance(upstream, Calendar):
        return wanted
    parts = [] if SINGLE in {own, upstream} else _parts(own, upstream, {})
    cuts, mine = _dimensions(upstream), _dimensions(own)
    times = [
        place
        for place, (name, followed, part) in enumerate(parts)
        if part is not None and isinstance(cuts[name], Calendar) and isinstance(mine[followed], Calendar)
    ]
    if len(times) != 1:
        why = f"{type(wanted).__name__}() counts windows of time, and these do not share one dimension of it"
        raise ImpossibleError("impossible-mapping", why)
    name, followed, _ = parts[times[0]]
    parts[times[0]] = (name, followed, wanted)
    if any(part is None for _, _, part in parts):
        missing = ", ".join(f"{name}=All()" for name, _, part in parts if part is None)
        raise ImpossibleError(
            "impossible-mapping",
            "which keys of the other dimensions is not clear",
            hint=f"write PerDimension({missing}, …)",
        )
    return _by_dimension(parts)


def _newest(wanted: Last, upstream: Partitioning) -> Mapping:
    if not isinstance(upstream, Product):
        return wanted
    times = [name for name, cut in upstream.dimensions.items() if isinstance(cut, Calendar)]
    if len(times) != 1:
        raise ImpossibleError(
            "impossible-mapping", "Last() counts windows of time, and it does not have one dimension of it"
        )
    return ByDimension(tuple((name, "", wanted if name == times[0] else All()) for name in upstream.dimensions))


def _there(keys: Iterable[object], upstream: Partitioning) -> None:
    """Raises ImpossibleError for what is no key of an upstream whose keys are known."""
    for key in keys:
        if not isinstance(key, str):
            raise ImpossibleError("bad-argument", f"{key!r} is no key: a key is a text")
        if isinstance(upstream, Static) and key not in upstream.names:
            raise ImpossibleError("unknown-partition", f"there is no key {key!r}", hint=nearest(key, upstream.names))
    if upstream == SINGLE:
        raise ImpossibleError(
            "impossible-mapping", "it is not partitioned: it has one value", hint="leave partitions= out"
        )


def _per_dimension(wanted: PerDimension, own: Partitioning, upstream: Partitioning) -> Mapping:
    there = _dimensions(upstream)
    for name in wanted.parts:
        if name not in there or not name:
            listed = [each for each in there if each]
            hint = nearest(name, listed) or (f"there are {', '.join(listed)}" if listed else "it has no dimensions")
            raise ImpossibleError("unknown-dimension", f"there is no dimension {name!r}", hint=hint)
    parts = _parts(own, upstream, wanted.parts)
    missing = [name for name, _, part in parts if part is None]
    if missing:
        raise ImpossibleError(
            "needs-mapping", f"which {' and '.join(missing)} is not clear", hint=f"add {missing[0]}=All()"
        )
    return _by_dimension(parts)


def _key_by_key(wanted: MappingABC[Any, Any], own: Partitioning, upstream: Partitioning) -> Mapping:
    if own == SINGLE:
        raise ImpossibleError(
            "impossible-mapping", "a dict is by own keys, and it is not partitioned itself", hint="write Only(…)"
        )
    many = any(not isinstance(reads, str) for reads in wanted.values())
    pairs: list[tuple[str, tuple[str, ...]]] = []
    for key, reads in wanted.items():
        _there([key], own)
        listed = (reads,) if isinstance(reads, str) else tuple(reads)
        _there(listed, upstream)
        pairs.append((key, listed))
    return KeyByKey(tuple(pairs), many)


_TIMES: MappingABC[object, str] = {date: "date", datetime: "datetime"}


def key_type(hint: object, upstream: Partitioning) -> KeyType:
    """How keys arrive in a ``dict[K, T]``. Raises ImpossibleError."""
    if hint in (None, Any, str):
        return KeyType()
    if hint is date and isinstance(upstream, Calendar) and not isinstance(upstream, Daily | Weekly | Monthly):
        raise ImpossibleError("edge-type", "its keys are no days", hint="write dict[datetime, T] or dict[str, T]")
    if hint in _TIMES and isinstance(upstream, Calendar):
        return KeyType(_TIMES[hint], upstream)
    if (hint is tuple or getattr(hint, "__origin__", None) is tuple) and isinstance(upstream, Product):
        return KeyType("tuple")
    raise ImpossibleError("edge-type", "keys do not arrive as such", hint="write dict[str, T]")

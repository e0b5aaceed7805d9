"""Plain data by value: type, content and visible order, whatever the objects think of themselves.

A value's digest is a Merkle tree over its parts, built without recursion and without calling ``__eq__``, ``__hash__``
or ``__repr__`` of anything. Project code met inside a value is followed, not written into it.
"""

from __future__ import annotations

import copyreg
import functools
import re
import reprlib
import typing
from collections.abc import Callable, Iterable
from pathlib import PurePath
from types import MappingProxyType, MethodType
from typing import Any, Final

from assetflow.load.code.canonical import digest
from assetflow.load.code.objects import fields, is_enum, qualified_name, wrapped
from assetflow.load.code.reach import Reached

__all__ = ["Follow", "Value", "shown"]

#: What code-like objects are: something of the project, a library's qualified name, or (None) a value.
Follow = Callable[[object], "Reached | str | None"]

#: How many parts a value may have before it is no longer compared by value.
LIMIT: Final = 1_000_000
_CHUNK: Final = 65_536

_NUMBERS: Final = frozenset({int, float, bool, type(None)})
_ATOMS: Final = frozenset({*_NUMBERS, str, bytes, complex, type(...), type(NotImplemented), bytearray})
#: Fields of declarations that say where they are written, not what they declare.
_PLACES: Final = frozenset({"place", "namespace", "__module__", "__doc__"})
_PICKLING: Final = frozenset({"__reduce__", "__reduce_ex__", "__getstate__"})

#: Objects that have no content to compare: they count by their class.
_CLASS_ONLY: Final = frozenset(
    {
        *(
            "lock",
            "RLock",
            "Condition",
            "Event",
            "Semaphore",
            "BoundedSemaphore",
            "Barrier",
            "Thread",
            "local",
            "_local",
        ),
        *("ThreadPoolExecutor", "ProcessPoolExecutor", "Logger", "LoggerAdapter", "RootLogger", "ContextVar"),
        *("ReferenceType", "ProxyType", "CallableProxyType", "WeakKeyDictionary", "WeakValueDictionary", "WeakSet"),
        *("generator", "coroutine", "async_generator", "frame", "traceback", "socket", "SSLContext", "_abc_data"),
    }
)


class TooLarge(Exception):
    """A value has more parts than are compared."""


class Value:
    """One value, read once: its digest, the project code in it, and what could not be compared."""

    def __init__(self, value: object, follow: Follow, roots: tuple[str, ...]) -> None:
        self._follow = follow
        self._roots = roots
        self._known: dict[int, str] = {}
        self._alive: list[object] = []
        self._numbers: dict[int, int] = {}
        self._count = 0
        #: Project code inside the value, numbered in order of first meeting.
        self.code: list[Reached] = []
        #: What could not be compared by value.
        self.untracked: list[str] = []
        #: Built-in data through and through, so that showing it runs nobody's code.
        self.plain = True
        try:
            self.digest = self._digest(value)
        except TooLarge:
            self._give_up(value, f"a {qualified_name(value)} of more than {LIMIT:,} parts")
        except Exception:  # an object that breaks when it is looked at
            self._give_up(value, f"a {qualified_name(value)}, which cannot be read")

    def _give_up(self, value: object, what: str) -> None:
        self.untracked.append(what)
        self.digest = digest(["instance", qualified_name(value)])
        self.plain = False

    def _digest(self, root: object) -> str:
        """The root's digest, its parts' before their whole's."""
        path: list[_Open] = []
        depths: dict[int, int] = {}
        done = self._opened(root)
        while True:
            if isinstance(done, _Open):
                depths[id(done.value)] = len(path)
                path.append(done)
            elif not path:
                return digest([done])
            else:
                path[-1].done.append(done)
            top = path[-1]
            for part in top.parts:
                up = depths.get(id(part))
                done = f"cycle {len(path) - up}" if up is not None else self._opened(part)
                break
            else:
                path.pop()
                del depths[id(top.value)]
                done = "#" + digest([top.tag, *(sorted(top.done) if top.unordered else top.done)])
                self._known[id(top.value)] = done

    def _opened(self, value: Any) -> str | _Open:  # anything at all
        """A part's text, or the part laid open."""
        self._count += 1
        if self._count > LIMIT:
            raise TooLarge
        kind = type(value)
        if kind in _ATOMS:
            return self._atom(value)
        if kind is _Open:
            opened: _Open = value
            return opened
        if (known := self._known.get(id(value))) is not None:
            return known
        found = self._follow(value)
        if isinstance(found, str):
            self.plain = False
            return found
        if found is not None:
            self.plain = False
            if id(found) not in self._numbers:
                self._numbers[id(found)] = len(self.code)
                self.code.append(found)
            return f"code {self._numbers[id(found)]} {found.short}"
        self._alive.append(value)
        if kind is list or kind is tuple:
            return self._sequence(kind.__name__, value, value)
        if kind is dict:
            return self._mapping("dict", value, value)
        if kind is set or kind is frozenset:
            return _Open(kind.__name__, value, value, unordered=True)
        self.plain = False
        return self._object(value)

    def _atom(self, value: Any) -> str:  # of one of _ATOMS
        match value:
            case bool() | None:
                return f"{value}"
            case int():
                return f"int {value:x}"
            case str():
                return "str " + self._portable(value)
            case bytes() | bytearray():
                return f"{type(value).__name__} {digest([value.hex()])}"
            case _:
                return f"{type(value).__name__} {value!r}"

    def _portable(self, text: str) -> str:
        """A path into the project counts from the project's folder: a clone elsewhere is the same code."""
        for root in self._roots:
            if text.startswith(root) or text == root[:-1]:
                return "<project>/" + text[len(root) :]
        return text

    def _sequence(self, tag: str, value: object, items: Any) -> str | _Open:  # a list or tuple
        """Long flat sequences are read in bulk."""
        kinds = set(map(type, items))
        if len(items) > 8 and kinds <= _NUMBERS and not (int in kinds and _has_huge(items)):
            pieces = (repr(items[start : start + _CHUNK]) for start in range(0, len(items), _CHUNK))
            return f"{tag} #{digest(pieces)}"
        if len(items) > 8 and kinds == {str} and not any(root[:-1] in "".join(items) for root in self._roots):
            return f"{tag} #{digest(items)}"
        return _Open(tag, value, items)

    def _mapping(self, tag: str, value: object, items: dict[Any, Any]) -> _Open:  # the user's keys and values
        keys, values = tuple(dict.keys(items)), tuple(dict.values(items))
        self._alive += (keys, values)
        return _Open(tag, value, (keys, values))

    def _object(self, value: Any) -> str | _Open:  # anything at all
        """An object that is neither code nor built-in data."""
        cls = type(value)
        owner = self._follow(cls)
        if PurePath in cls.__mro__:
            return f"{'PurePath' if cls.__name__.startswith('Pure') else 'Path'} {self._portable(str(value))}"
        if (standard := _STANDARD.get(cls)) is not None:
            parts = standard(value)
            self._alive.append(parts)
            return _Open(cls.__name__, value, parts)
        if is_enum(cls):
            name, number = (object.__getattribute__(value, field) for field in ("_name_", "_value_"))
            return _Open("member", value, (cls, name or number))
        if cls.__name__ in _CLASS_ONLY or any(b.__name__ in {"Logger", "IOBase", "_IOBase"} for b in cls.__mro__):
            return f"instance of {qualified_name(cls)}"
        if (inner := wrapped(value)) is not None:
            return _Open(f"wrapper {qualified_name(cls)}", value, (inner,))
        if cls.__module__.startswith("assetflow.declare"):
            return _Open(f"declared {cls.__name__}", value, self._fields(value, but=_PLACES))
        if isinstance(owner, Reached):
            return _Open("instance", value, (cls, *self._content(value), *self._fields(value)))
        if cls.__module__ in {"typing", "types"} and hasattr(value, "__origin__") and hasattr(value, "__args__"):
            return _Open("alias", value, (value.__origin__, value.__args__, getattr(value, "__metadata__", ())))
        return self._reduced(value)

    def _fields(self, value: object, *, but: frozenset[str] = frozenset()) -> list[object]:
        found = [(name, field) for name, field in fields(value) if name not in but]
        self._alive += [names := tuple(name for name, _ in found), values := tuple(field for _, field in found)]
        return [names, values]

    def _content(self, value: Any) -> list[object]:  # an instance of a project class
        """What an instance holds beside its fields: as the built-in or the library's object that its class extends."""
        kind = next((kind for kind in _CONTENT if kind in type(value).__mro__), None)
        if kind is not None:
            content = _CONTENT[kind](value)
            self._alive.append(content)
            return [_Open(kind.__name__, content, content, unordered=kind in {set, frozenset})]
        for cls in type(value).__mro__:
            custom = not _PICKLING.isdisjoint(cls.__dict__)
            if custom and cls is not object and isinstance(self._follow(cls), str):
                try:
                    return [self._parts_of_reduced(value)]
                except TooLarge:
                    raise
                except Exception:
                    self.untracked.append(f"a {qualified_name(value)}, which cannot be compared by value")
        return []

    def _reduced(self, value: object) -> str | _Open:
        """An object of a library by what pickle would keep of it."""
        try:
            parts = self._parts_of_reduced(value)
        except TooLarge:
            raise
        except Exception:
            self.untracked.append(f"a {qualified_name(value)}, which cannot be compared by value")
            return f"instance of {qualified_name(value)}"
        return f"global {parts}" if isinstance(parts, str) else _Open("reduced", value, parts)

    def _parts_of_reduced(self, value: Any) -> Any:  # what __reduce_ex__ gave: a name, or a tuple of anything
        custom = copyreg.dispatch_table.get(type(value))
        parts: Any = custom(value) if custom else value.__reduce_ex__(4)
        if isinstance(parts, str):
            return parts
        callee, arguments, state, items, pairs = (list(parts) + [None] * 3)[:5]
        items = None if items is None else self._limited(items)
        pairs = None if pairs is None else self._limited(pairs)
        whole = (callee, arguments, state, items, pairs)
        self._alive.append(whole)
        return whole

    def _limited(self, items: Iterable[object]) -> list[object]:
        found: list[object] = []
        for item in items:
            found.append(item)
            if len(found) > LIMIT:
                raise TooLarge
        self._alive.append(found)
        return found


class _Open:
    """A part laid open: what is still to be read of it, and what was."""

    __slots__ = ("done", "parts", "tag", "unordered", "value")

    def __init__(self, tag: str, value: object, parts: Iterable[object], *, unordered: bool = False) -> None:
        self.tag = tag
        self.value = value
        self.parts = iter(parts)
        self.unordered = unordered
        self.done: list[str] = []


def _has_huge(items: Iterable[Any]) -> bool:  # numbers
    """Whether a number has more digits than Python is ready to write in decimal."""
    return any(type(item) is int and item.bit_length() > 2_000 for item in items)


#: How instances of project classes that extend a built-in hold its content, read past all that they override.
_CONTENT: Final[dict[type, Callable[[Any], list[object]]]] = {
    dict: lambda value: [list(dict.keys(value)), list(dict.values(value))],
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: list(tuple.__iter__(value)),
    set: lambda value: list(set.__iter__(value)),
    frozenset: lambda value: list(frozenset.__iter__(value)),
    str: lambda value: [str.__str__(value)],
    bytes: lambda value: [bytes.__getitem__(value, slice(None))],
    int: lambda value: [int.__neg__(int.__neg__(value))],
    float: lambda value: [float.__neg__(float.__neg__(value))],
    BaseException: lambda value: list(value.args),
}

#: Objects of the standard library whose content does not follow from what pickle keeps, or not on every Python alike.
_STANDARD: Final[dict[type, Callable[[Any], tuple[object, ...]]]] = {
    re.Pattern: lambda value: (value.pattern, int(value.flags)),
    functools.partial: lambda value: (value.func, value.args, value.keywords),
    functools.partialmethod: lambda value: (value.func, value.args, value.keywords),
    functools.cached_property: lambda value: (value.func,),
    functools.singledispatchmethod: lambda value: (value.dispatcher,),
    MethodType: lambda value: (value.__self__, value.__func__),
    staticmethod: lambda value: (value.__func__,),
    classmethod: lambda value: (value.__func__,),
    property: lambda value: (value.fget, value.fset, value.fdel),
    typing.NewType: lambda value: (value.__name__, value.__supertype__),
    typing.TypeVar: lambda value: (value.__name__, value.__bound__, value.__constraints__),
    MappingProxyType: lambda value: (dict(value),),
}


class _Writer(reprlib.Repr):
    """Shortens values; the order of a set's members does not depend on their hashes."""

    def repr_set(self, x: Any, level: int) -> str:  # a set of plain data
        """A set, its members in order of their text."""
        members = sorted(self.repr1(member, level - 1) for member in x)
        inside = ", ".join([*members[: self.maxset], *(["..."] if len(members) > self.maxset else [])])
        return f"{{{inside}}}" if members else "set()"

    def repr_frozenset(self, x: Any, level: int) -> str:  # a frozenset of plain data
        """Like a set."""
        return f"frozenset({self.repr_set(x, level)})"


_writer = _Writer()
_writer.maxstring = _writer.maxother = _writer.maxlong = 240
_writer.maxlist = _writer.maxtuple = _writer.maxset = _writer.maxdict = 8


def shown(value: object, *, plain: bool, roots: tuple[str, ...] = ()) -> str:
    """A value shortened for people. Of what is not plain data only the class is named, so that nothing runs."""
    if plain:
        text = _writer.repr(value)
    elif PurePath in type(value).__mro__:
        text = f"Path({str(value)!r})"
    else:
        text = f"<{qualified_name(value)}>"
    for root in roots:
        text = text.replace(root[:-1], "<project>")
    return text if len(text) <= 80 else text[:79] + "…"

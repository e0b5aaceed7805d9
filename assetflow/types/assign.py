"""Whether what a producer is declared to make fits what a consumer asks for.

The consumer of a value has one of its own, so containers may be read as containers of wider elements:
``list[bool]`` serves where ``list[int]`` is asked for, which would be unsound for a shared list.
"""

from __future__ import annotations

import collections.abc
import datetime
import typing
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NewType, TypeVar, get_args, get_origin

from assetflow.types.libraries import kinds_of_hint
from assetflow.types.parents import arguments_as
from assetflow.types.protocols import misses
from assetflow.types.records import RecordKind, fields_of, record_kind
from assetflow.types.spelling import alias_value, hint_text, is_union, members

__all__ = ["Verdict", "assignable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an edge fits, and what happens to values on it."""

    ok: bool
    #: Values are converted on the way: int to float, one table library to another.
    converts: bool = False
    #: Why not; or ``unknown`` where a side has no annotation. Empty otherwise.
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


_YES = Verdict(ok=True)
_CONVERTS = Verdict(ok=True, converts=True)
_UNKNOWN = Verdict(ok=True, reason="unknown")


def assignable(producer: object, consumer: object) -> Verdict:
    """Whether a value of the producer's type may be given where the consumer's is asked for.

    Hints are resolved types; None stands for a missing annotation, with which everything fits.
    """
    if producer is None or consumer is None:
        return _UNKNOWN
    return _fits(producer, consumer)


def _fits(producer: object, consumer: object) -> Verdict:
    producer, consumer = _plain(producer), _plain(consumer)
    if consumer is object or producer == consumer:
        return _YES
    if consumer is Any or producer is Any:
        return _UNKNOWN
    if is_union(producer):
        return _all(_fits(part, consumer) for part in members(producer))
    if is_union(consumer):
        return _any([_fits(producer, part) for part in members(consumer)], producer, consumer)
    if isinstance(consumer, TypeVar):
        return _fits(producer, _bound(consumer))
    if isinstance(producer, TypeVar):
        return _fits(_bound(producer), consumer)
    if isinstance(producer, NewType):
        return _fits(producer.__supertype__, consumer)
    if isinstance(consumer, NewType):
        return _no(producer, consumer, f"only {hint_text(consumer)}(...) makes one")
    if get_origin(producer) is Literal:
        return _from_literal(producer, consumer)
    if get_origin(consumer) is Literal:
        return _to_literal(producer, consumer)
    return _nominal(producer, consumer)


def _plain(hint: object) -> object:
    hint = alias_value(hint)
    while get_origin(hint) is Annotated:
        hint = alias_value(get_args(hint)[0])
    return type(None) if hint is None else hint


def _bound(variable: TypeVar) -> object:
    if variable.__constraints__:
        return typing.Union[variable.__constraints__]  # noqa: UP007  # of a tuple
    return variable.__bound__ or Any


def _no(producer: object, consumer: object, because: str = "") -> Verdict:
    text = f"{hint_text(producer)} is not {hint_text(consumer)}"
    return Verdict(ok=False, reason=f"{text}: {because}" if because else text)


def _all(verdicts: typing.Iterable[Verdict]) -> Verdict:
    result = _YES
    for verdict in verdicts:
        if not verdict.ok:
            return verdict
        result = Verdict(ok=True, converts=result.converts or verdict.converts, reason=result.reason or verdict.reason)
    return result


def _any(verdicts: list[Verdict], producer: object, consumer: object) -> Verdict:
    """The best of a union's alternatives: one that leaves the value as it is, then one that converts it."""
    fitting = [verdict for verdict in verdicts if verdict.ok]
    if not fitting:
        return _no(producer, consumer)
    return min(fitting, key=lambda verdict: (verdict.converts, bool(verdict.reason)))


def _from_literal(producer: object, consumer: object) -> Verdict:
    values = get_args(producer)
    if get_origin(consumer) is Literal:
        admitted = {(type(value), value) for value in get_args(consumer)}
        more = [value for value in values if (type(value), value) not in admitted]
        return _no(producer, consumer, f"it may be {more[0]!r}") if more else _YES
    return _all(_fits(type(value), consumer) for value in values)


def _to_literal(producer: object, consumer: object) -> Verdict:
    if producer is bool:
        return _from_literal(Literal[True, False], consumer)
    if isinstance(producer, type) and issubclass(producer, Enum):
        return _from_literal(Literal[tuple(producer)], consumer)
    if producer is type(None):
        return _from_literal(Literal[None], consumer)
    return _no(producer, consumer)


def _nominal(producer: object, consumer: object) -> Verdict:
    """Classes, generic or not: tables, numbers, records, protocols, and what a class is a child of."""
    made, asked = get_origin(producer) or producer, get_origin(consumer) or consumer
    if not isinstance(made, type) or not isinstance(asked, type):
        return _YES if hint_text(producer) == hint_text(consumer) else _no(producer, consumer)
    if kinds_of_hint(asked) and kinds_of_hint(made):
        return _YES if made is asked else _CONVERTS
    if (number := _number(made, asked, producer, consumer)) is not None:
        return number
    if made is asked and asked is tuple:
        return _tuples(producer, consumer)
    if asked is _CALLABLE:
        return _callables(producer, consumer)
    if asked is type:
        return _classes(producer, consumer)
    if record_kind(made) is RecordKind.TYPED_DICT or record_kind(asked) is RecordKind.TYPED_DICT:
        return _typed_dicts(producer, made, consumer, asked)
    if getattr(asked, "_is_protocol", False) and not _is_child(made, asked):
        missing = misses(producer, consumer, _as_it_is)
        return _no(producer, consumer, missing) if missing else _YES
    if not _is_child(made, asked):
        return _no(producer, consumer)
    return _arguments(producer, consumer, asked)


#: Typed loosely: type checkers do not take it for a class.
_CALLABLE: object = collections.abc.Callable


def _is_child(made: type, asked: type) -> bool:
    try:
        return issubclass(made, asked)
    except TypeError:  # a protocol with attributes
        return asked in made.__mro__


#: What stands for what among numbers; the value is converted.
_TOWER = ((bool, int), (bool, float), (bool, complex), (int, float), (int, complex), (float, complex))


def _number(made: type, asked: type, producer: object, consumer: object) -> Verdict | None:
    if (made, asked) in _TOWER or (asked in (float, complex) and issubclass(made, int)):
        return _CONVERTS
    if made is datetime.datetime and asked is datetime.date:
        return _no(producer, consumer, "a datetime does not compare with dates")
    if issubclass(made, str | bytes) and asked not in made.__mro__ and not getattr(asked, "_is_protocol", False):
        return _no(producer, consumer)  # a text is a sequence of texts, but nearly never meant as one
    return None


def _arguments(producer: object, consumer: object, asked: type) -> Verdict:
    wanted = get_args(consumer)
    if not wanted:
        return _YES
    given = arguments_as(producer, asked)
    if asked is tuple:
        return _tuples(tuple[given] if given else tuple, consumer)  # type: ignore[valid-type]  # built at run time
    if len(given) != len(wanted):
        return _UNKNOWN  # a bare list, or a class that says nothing of its elements
    verdict = _all(_fits(made, want) for made, want in zip(given, wanted, strict=True))
    return verdict if verdict.ok else _no(producer, consumer, verdict.reason)


def _tuples(producer: object, consumer: object) -> Verdict:
    if not get_args(consumer) and consumer is tuple:
        return _YES
    if not get_args(producer) and producer is tuple:
        return _UNKNOWN
    given, wanted = get_args(producer), get_args(consumer)
    if len(wanted) == 2 and wanted[1] is ...:
        elements = given[:1] if given[1:] == (...,) else given
        verdict = _all(_fits(element, wanted[0]) for element in elements)
    elif given[1:] == (...,):
        return _no(producer, consumer, "its length is not known")
    elif len(given) != len(wanted):
        return _no(producer, consumer, f"it has {len(given)} elements, not {len(wanted)}")
    else:
        verdict = _all(_fits(made, want) for made, want in zip(given, wanted, strict=True))
    return verdict if verdict.ok else _no(producer, consumer, verdict.reason)


def _callables(producer: object, consumer: object) -> Verdict:
    made = get_origin(producer) or producer
    given, wanted = get_args(producer), get_args(consumer)
    if isinstance(made, type) and not hasattr(made, "__call__"):  # noqa: B004  # of a class, not of a value
        return _no(producer, consumer)
    if not given or not wanted:
        return _YES if not wanted else _UNKNOWN
    parameters = _YES
    if isinstance(given[0], list) and isinstance(wanted[0], list):
        if len(given[0]) != len(wanted[0]):
            return _no(producer, consumer, f"it takes {len(given[0])} arguments, not {len(wanted[0])}")
        parameters = _all(_as_it_is(want, made) for made, want in zip(given[0], wanted[0], strict=True))
    verdict = _all([parameters, _as_it_is(given[-1], wanted[-1])])
    return verdict if verdict.ok else _no(producer, consumer, verdict.reason)


def _as_it_is(producer: object, consumer: object) -> Verdict:
    """Whether a value fits that nobody can convert on the way: an attribute, what a function takes and gives."""
    if producer is bool and consumer is int:
        return _YES
    verdict = _fits(producer, consumer)
    return _no(producer, consumer, "it would have to be converted") if verdict.converts else verdict


def _classes(producer: object, consumer: object) -> Verdict:
    given, wanted = get_args(producer), get_args(consumer)
    if not wanted:
        return _YES if isinstance(get_origin(producer) or producer, type) else _no(producer, consumer)
    if not given:
        return _UNKNOWN if producer is type else _no(producer, consumer)
    verdict = _as_it_is(given[0], wanted[0])
    return verdict if verdict.ok else _no(producer, consumer, verdict.reason)


def _typed_dicts(producer: object, made: type, consumer: object, asked: type) -> Verdict:
    if record_kind(made) is not RecordKind.TYPED_DICT:
        return _no(producer, consumer)
    fields = {field.name: field for field in fields_of(made)}
    if record_kind(asked) is not RecordKind.TYPED_DICT:
        if not issubclass(dict, asked):
            return _no(producer, consumer)
        wanted = get_args(consumer)
        values = wanted[1] if len(wanted) == 2 else Any
        keys = wanted[0] if wanted else Any
        return _all([_fits(str, keys), *(_fits(field.hint, values) for field in fields.values())])
    verdicts = []
    for field in fields_of(asked):
        given = fields.get(field.name)
        if given is None:
            if field.required:
                return _no(producer, consumer, f"it has no {field.name!r}")
            continue
        if field.required and not given.required:
            return _no(producer, consumer, f"{field.name!r} may be missing")
        verdict = _fits(given.hint, field.hint)
        verdicts.append(verdict if verdict.ok else _no(producer, consumer, f"{field.name!r}: {verdict.reason}"))
    return _all(verdicts)

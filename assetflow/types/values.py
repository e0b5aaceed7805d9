"""Values against their declared types: checked as a whole, converted where the rules say so, the first misfit named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from assetflow import types as room
from assetflow.errors import ValueMismatch
from assetflow.types.libraries import is_of, kind_of_value, kinds_of_hint
from assetflow.types.records import RecordKind, fields_of, record_kind
from assetflow.types.spelling import alias_value, hint_text, is_open, members

__all__ = ["checked"]


def checked(value: object, hint: object, *, what: str) -> Any:  # of the hint's type
    """The value, if it is of the type; converted where an edge of such types converts (int to float, bool to int).

    Numpy's scalars count as the Python numbers they stand for. Text is never read as a number, nor a float as an int.
    Containers are checked through and may come back as new ones. Tables are checked by class: their columns are
    another matter. ``what`` names the value in the error: "shop.orders", "input orders of shop.revenue".
    Raises ValueMismatch ``wrong-type`` with what was expected, what it is, and its first element that does not fit.
    """
    if hint is None or is_open(hint):
        return value
    kinds = kinds_of_hint(hint)
    kind = kind_of_value(value)
    if kind is not None and kind in kinds:
        return value
    if type(value) is hint and hint in (int, float, str, bool, bytes):
        return value
    return _validated(value, hint, what)


def _validated(value: object, hint: object, what: str) -> Any:
    adapter = room.adapters.adapter(hint)
    if adapter is None:
        return _instance(value, hint, what)
    try:
        try:
            return adapter.validate_python(value, strict=True)
        except room.adapters.ValidationError as error:
            first = error
            return adapter.validate_python(_softened(value, hint), strict=True)
    except room.adapters.ValidationError:
        found = first.errors(include_url=False, include_context=False)
        raise _mismatch(value, hint, what, [_misfit(value, hint, found[0])]) from None
    except Exception as error:  # a validator of the user's own, or a value that cannot be looked at
        raise _mismatch(value, hint, what, [f"{type(error).__name__}: {error}"]) from error


def _instance(value: object, hint: object, what: str) -> object:
    """A value of a type that pydantic cannot describe, checked by its class alone."""
    cls = get_origin(alias_value(hint)) or hint
    if record_kind(cls) is RecordKind.TYPED_DICT:
        cls = dict  # a TypedDict refuses isinstance
    if isinstance(cls, type) and not isinstance(value, cls):
        raise _mismatch(value, hint, what, [])
    return value


def _softened(value: Any, hint: object) -> Any:
    """The value with Python's numbers for numpy's scalars, and with integers for booleans where numbers are asked."""
    hint = _plain(hint)
    if is_of(value, "numpy", "generic") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, bool):
        asked = {_plain(part) for part in members(hint)}
        return int(value) if asked & {int, float} and bool not in asked else value
    if type(value) in (list, tuple, set, frozenset):
        if set(map(type, value)) <= {int, float, str, type(None)}:
            return value
        fixed = type(value) is tuple
        inner = None if fixed else _inner(hint, 0)
        return type(value)(_softened(item, _inner(hint, index) if fixed else inner) for index, item in enumerate(value))
    if type(value) is dict:
        keys = _inner(hint, _KEY)
        return {_softened(key, keys): _softened(item, _inner(hint, key)) for key, item in value.items()}
    return value


_KEY = object()


def _plain(hint: object) -> object:
    hint = alias_value(hint)
    while get_origin(hint) is Annotated:
        hint = alias_value(get_args(hint)[0])
    return hint


def _inner(hint: object, part: object) -> object:
    """The type of what lies at an index, key or field of a value of a type; None where that is not known."""
    for member in map(_plain, members(_plain(hint))):
        origin, arguments = get_origin(member) or member, get_args(member)
        if not isinstance(origin, type):
            continue
        if (fields := fields_of(origin) if record_kind(origin) else ()) and isinstance(part, str | int):
            for index, field in enumerate(fields):
                if part in (field.name, index):
                    return field.hint
        elif issubclass(origin, Mapping) and len(arguments) == 2:
            return arguments[0 if part is _KEY else 1]
        elif issubclass(origin, tuple) and isinstance(part, int) and arguments:
            fixed = arguments[1:] != (...,)
            return arguments[part] if fixed and part < len(arguments) else arguments[0]
        elif len(arguments) == 1:
            return arguments[0]
    return None


def _misfit(value: object, hint: object, error: Mapping[str, Any]) -> str:
    """The first element that does not fit, as a line: where it is, what was expected there, what it is."""
    path, current, expected = "", value, hint
    for part in error["loc"]:
        if isinstance(current, list | tuple) and isinstance(part, int) and part < len(current):
            path, inner = f"{path}[{part}]", current[part]
        elif isinstance(current, Mapping) and part in current:
            path, inner = f"{path}[{part!r}]", current[part]
        elif isinstance(part, str) and record_kind(type(current)) and hasattr(current, part):
            path, inner = f"{path}.{part}".removeprefix("."), getattr(current, part)
        elif part == "[key]":
            return f"{path}: its key should be {hint_text(_inner(hint, _KEY))}"
        else:
            continue  # the name of a union's alternative, or of a field that is missing
        current, expected = inner, _inner(expected, part)
    kind = str(error["type"])
    if kind == "missing":
        return f"{path}: {error['loc'][-1]!r} is missing".removeprefix(": ")
    if expected is not None and (kind.endswith("_type") or kind in _WRONG_CLASS):
        return f"{path}: expected {hint_text(expected)}, got {_got(current)}" if path else ""
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{path}: {text}, got {_got(current)}".removeprefix(": ")


_WRONG_CLASS = frozenset({"is_instance_of", "is_subclass_of", "literal_error", "enum", "none_required"})


def _got(value: object) -> str:
    kind = kind_of_value(value)
    if kind is not None:
        return kind.value
    name = type(value).__qualname__
    if value is None:
        return "None"
    if isinstance(value, list | tuple | set | frozenset | dict):
        return f"{name} of {len(value)}"
    try:
        text = repr(value)
    except Exception:  # the user's own __repr__
        return name
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"{name} {text}" if "\n" not in text and not text.startswith("<") else name


def _mismatch(value: object, hint: object, what: str, misfits: Sequence[str]) -> ValueMismatch:
    return ValueMismatch(
        "wrong-type",
        f"{what}: expected {hint_text(hint)}, got {_got(value)}",
        where=[line for line in misfits if line][:2],
        hint="return what the annotation says, or change the annotation",
    )

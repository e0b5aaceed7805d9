"""What each setting must be. A rule gives what is wrong with a value, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from assetflow.errors import UsageError, nearest
from assetflow.load.settings_file import SettingsFile

__all__ = ["KEYS", "Rule", "table_mistakes"]

#: Gives the rest of a sentence that begins with the setting's name; empty when the value is right.
Rule: TypeAlias = Callable[[Any], str]  # a value as TOML gives it


def _text(value: object) -> str:
    return "" if isinstance(value, str) and value.strip() else f"must be a text, got {value!r}"


def _texts(value: object) -> str:
    right = isinstance(value, list) and all(isinstance(each, str) and each for each in value)
    return "" if right else f"must be a list of texts, got {value!r}"


def _modules(value: object) -> str:
    if fault := _texts(value):
        return fault
    assert isinstance(value, list)
    wrong = [each for each in value if not all(part.isidentifier() for part in each.split("."))]
    return f"must name modules, as in ['projects.shop'], got {wrong[0]!r}" if wrong else ""


def _count(value: object) -> str:
    right = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return "" if right else f"must be a whole number of at least 1, got {value!r}"


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else f"must be true or false, got {value!r}"


def _table(value: object) -> str:
    return "" if isinstance(value, dict) else f"must be a table, got {value!r}"


#: The keys of the settings.
KEYS: Mapping[str, Rule] = {
    "modules": _modules,
    "sql": _texts,
    "catalog": _text,
    "store": _text,
    "environment": _text,
    "jobs": _count,
    "confirm_above": _count,
    "resources": _table,
    "parameters": _table,
    "environments": _table,
}

_ENVIRONMENT_KEYS: Mapping[str, Rule] = {"parameters": _table, "resources": _table, "protected": _flag}


def table_mistakes(file: SettingsFile) -> Iterator[UsageError]:
    """Every fault of a settings file that can be seen without the project's code."""
    yield from _faults(file, "", file.table, KEYS)
    for name, table in _tables(file.table.get("resources")):
        if fault := _table(table):
            yield _bad(file, f"resources.{name}", fault)
    for name, table in _tables(file.table.get("environments")):
        if fault := _table(table):
            yield _bad(file, f"environments.{name}", fault)
            continue
        yield from _faults(file, f"environments.{name}.", table, _ENVIRONMENT_KEYS)
        for resource, own in _tables(table.get("resources")):
            if fault := _table(own):
                yield _bad(file, f"environments.{name}.resources.{resource}", fault)


def _faults(
    file: SettingsFile, prefix: str, table: Mapping[str, Any], rules: Mapping[str, Rule]
) -> Iterator[UsageError]:
    for key, value in table.items():
        if key in rules:
            if fault := rules[key](value):
                yield _bad(file, prefix + key, fault)
        else:
            hint = nearest(key, rules) or f"the settings are {', '.join(rules)}"
            yield UsageError(
                "unknown-setting", f"there is no setting {prefix}{key}", where=[_at(file, prefix + key)], hint=hint
            )


def _tables(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()


def _bad(file: SettingsFile, key: str, fault: str) -> UsageError:
    return UsageError("bad-setting", f"{key} {fault}", where=[_at(file, key)])


def _at(file: SettingsFile, key: str) -> str:
    return f"{file.path}: {file.prefix}{key}"

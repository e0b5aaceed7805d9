"""Settings: found upwards from where one stands, overlaid by the environment, each value with its origin."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from assetflow.errors import AssetflowError, Mistakes, UsageError
from assetflow.load.environment_names import environment_name
from assetflow.load.setting_tables import KEYS, Rule, table_mistakes
from assetflow.load.settings_file import SettingsFile, found_settings_file

__all__ = ["Entry", "EnvironmentSettings", "Settings", "find_settings"]

_DEFAULT_STORE = ".assetflow/store"
_DEFAULT_CATALOG = "catalog.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """``[environments.NAME]``: what differs there."""

    parameters: Mapping[str, Any] = field(default_factory=dict)  # values as TOML gives them
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # values as TOML gives them
    #: Written only with ``--env NAME``.
    protected: bool = False


class Entry(NamedTuple):
    """One effective setting, for ``config show``."""

    name: str
    value: object
    #: ``pyproject.toml``, ``ASSETFLOW_STORE``, ``--env``, ``default`` …
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A project's settings, all of them checked. Tables are as TOML gives them."""

    #: The project's folder, absolute: what paths are relative to, and what is on the import path.
    root: Path
    #: The file they were read from, relative to the root; empty where there is none.
    file: str = ""
    modules: tuple[str, ...] = ()
    #: Folders and files, relative to the root, of ``.sql`` files that are assets.
    sql: tuple[str, ...] = ()
    #: An absolute path, or a database URL.
    catalog: str
    #: An absolute path, or a URL.
    store: str
    environment: str = "main"
    jobs: int = 1
    #: Plans with more steps than this are asked about.
    confirm_above: int = 10_000
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # values as TOML gives them
    parameters: Mapping[str, Any] = field(default_factory=dict)  # values as TOML gives them
    environments: Mapping[str, EnvironmentSettings] = field(default_factory=dict)
    #: Where each of the plain settings came from.
    origins: Mapping[str, str] = field(default_factory=dict)

    def entries(self) -> tuple[Entry, ...]:
        """Every effective setting with its origin; resources and parameters as the environment has them."""
        plain = ("modules", "sql", "catalog", "store", "environment", "jobs", "confirm_above")
        rows = [Entry(name, getattr(self, name), self.origins.get(name, "default")) for name in plain]
        here = self.environments.get(self.environment, EnvironmentSettings())
        if here.protected:
            rows.append(Entry("protected", True, self.environment_origin()))
        rows += _merged("parameters", self.parameters, here.parameters, self.file, self.environment_origin())
        for name in sorted({*self.resources, *here.resources}):
            rows += _merged(
                f"resources.{name}",
                self.resources.get(name, {}),
                here.resources.get(name, {}),
                self.file,
                self.environment_origin(),
            )
        return tuple(rows)

    def environment_origin(self) -> str:
        """How the environment's own part of the file is named as an origin."""
        return f"{self.file} [environments.{self.environment}]"


def _merged(
    prefix: str, general: Mapping[str, Any], own: Mapping[str, Any], file: str, own_origin: str
) -> Iterator[Entry]:
    for name in sorted({*general, *own}):
        value, origin = (own[name], own_origin) if name in own else (general[name], file)
        yield Entry(f"{prefix}.{name}", value, origin)


def find_settings(
    start: Path | None = None,
    *,
    modules: Sequence[str] = (),
    environment: str | None = None,
    jobs: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings that hold where one stands (``start``, or the working folder), or for the modules named.

    The nearest folder upwards whose ``pyproject.toml`` has ``[tool.assetflow]``, or that has an ``assetflow.toml``,
    is the project's; with modules named and no such folder, ``start`` is. ``ASSETFLOW_*`` variables override the
    file, arguments override those. Raises Mistakes with every fault of the file: UsageError ``bad-settings``,
    ``unknown-setting``, ``bad-setting``; and UsageError ``no-project`` where there is nothing to go by.
    """
    environ = os.environ if environ is None else environ
    start = (start or Path.cwd()).absolute()
    if not start.is_dir():
        raise UsageError("no-project", f"there is no folder {start}")
    file = found_settings_file(start)
    root = file.path.parent if file else start
    values, origins = _layers(file, root, environ, modules=modules, environment=environment, jobs=jobs)
    if not values["modules"] and not values["sql"]:
        raise _no_project(start, file)
    origins["environment"], named = origins["environment"], values["environment"]
    return Settings(
        root=root,
        file=file.path.name if file else "",
        modules=tuple(values["modules"]),
        sql=tuple(values["sql"]),
        catalog=_located(root, values["catalog"]),
        store=_located(root, values["store"]),
        environment=environment_name(named, root, origins["environment"], environ),
        jobs=values["jobs"],
        confirm_above=values["confirm_above"],
        resources=values["resources"],
        parameters=values["parameters"],
        environments={name: EnvironmentSettings(**table) for name, table in values["environments"].items()},
        origins=origins,
    )


def _layers(
    file: SettingsFile | None,
    root: Path,
    environ: Mapping[str, str],
    *,
    modules: Sequence[str],
    environment: str | None,
    jobs: int | None,
) -> tuple[dict[str, Any], dict[str, str]]:  # values as TOML gives them
    """Each setting's value and origin: default, file, variable, argument; the last one that says something."""
    values: dict[str, Any] = _defaults()
    origins = dict.fromkeys(values, "default")
    mistakes: list[AssetflowError] = []
    if file is not None:
        mistakes += table_mistakes(file)
        for key in KEYS & file.table.keys():
            values[key], origins[key] = file.table[key], file.path.name
    for key, value, origin in _from_environ(environ, mistakes):
        values[key], origins[key] = value, origin
    arguments = (("modules", list(modules), "-m"), ("environment", environment, "--env"), ("jobs", jobs, "--jobs"))
    for key, value, origin in arguments:
        if value:
            values[key], origins[key] = value, origin
    if mistakes:
        raise mistakes[0] if len(mistakes) == 1 else Mistakes(mistakes)
    return values, origins


def _defaults() -> dict[str, Any]:
    return {
        "modules": [],
        "sql": [],
        "catalog": _DEFAULT_CATALOG,
        "store": _DEFAULT_STORE,
        "environment": "main",
        "jobs": os.cpu_count() or 1,
        "confirm_above": 10_000,
        "resources": {},
        "parameters": {},
        "environments": {},
    }


_VARIABLES = {
    "ASSETFLOW_MODULES": "modules",
    "ASSETFLOW_CATALOG": "catalog",
    "ASSETFLOW_STORE": "store",
    "ASSETFLOW_ENVIRONMENT": "environment",
    "ASSETFLOW_JOBS": "jobs",
}


def _from_environ(environ: Mapping[str, str], mistakes: list[AssetflowError]) -> Iterator[tuple[str, Any, str]]:
    if home := environ.get("ASSETFLOW_HOME"):
        yield "catalog", str(Path(home).absolute() / _DEFAULT_CATALOG), "ASSETFLOW_HOME"
        yield "store", str(Path(home).absolute() / "store"), "ASSETFLOW_HOME"
    for variable, key in _VARIABLES.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        value: object = text
        if key == "modules":
            value = [part for part in text.replace(",", " ").replace(os.pathsep, " ").split() if part]
        elif key == "jobs" and text.isdecimal():
            value = int(text)
        elif key in {"catalog", "store"} and "://" not in text:
            value = str(Path(text).absolute())
        rule: Rule = KEYS[key]
        if fault := rule(value):
            mistakes.append(UsageError("bad-setting", f"{variable} {fault}", where=[variable]))
        yield key, value, variable


def _located(root: Path, text: str) -> str:
    return text if "://" in text else os.path.normpath(root / text)


def _no_project(start: Path, file: SettingsFile | None) -> UsageError:
    if file is not None:
        return UsageError(
            "no-project",
            f"{file.path.name} names no modules",
            where=[str(file.path)],
            hint='write modules = ["package"], or name one with -m',
        )
    return UsageError(
        "no-project",
        f"no assetflow project in {start} or above",
        hint="start one with assetflow init, name a module with -m, or a folder with -C",
    )

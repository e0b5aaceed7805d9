"""The settings file: ``assetflow.toml``, or ``[tool.assetflow]`` in ``pyproject.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetflow.errors import UsageError

__all__ = ["SettingsFile", "found_settings_file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """What one file says."""

    path: Path
    #: How a key's table is written there: empty, or ``tool.assetflow.``.
    prefix: str
    table: dict[str, Any]  # values as TOML gives them


def found_settings_file(start: Path) -> SettingsFile | None:
    """The nearest one, from the folder upwards. Raises UsageError ``bad-settings`` where it is no TOML, or where
    one folder has both."""
    for folder in (start, *start.parents):
        own = _read(folder / "assetflow.toml", "")
        shared = _read(folder / "pyproject.toml", "tool.assetflow.")
        if own and shared:
            raise UsageError(
                "bad-settings",
                "the settings stand in two files",
                where=[str(own.path), str(shared.path)],
                hint="keep one of the two",
            )
        if own or shared:
            return own or shared
    return None


def _read(path: Path, prefix: str) -> SettingsFile | None:
    try:
        text = path.read_bytes().decode("utf-8")
        table: Any = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("bad-settings", f"{path.name} cannot be read: {error}", where=[str(path)]) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        place = f"{path}:{line.group(1)}" if line else str(path)
        raise UsageError("bad-settings", f"{path.name} is not TOML: {error}", where=[place]) from None
    for part in filter(None, prefix.split(".")):
        table = table.get(part) if isinstance(table, dict) else None
        if table is None:
            return None
    if not isinstance(table, dict):
        raise UsageError("bad-settings", f"{prefix[:-1]} must be a table", where=[str(path)])
    return SettingsFile(path=path, prefix=prefix, table=table)

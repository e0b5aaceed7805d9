"""What the tests of this room share."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Writes modules of a package ``shelf`` and imports one: ``written("shelf.orders", orders="...", types="...")``."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(wanted: str, **modules: str) -> ModuleType:
        folder = tmp_path / "shelf"
        folder.mkdir(exist_ok=True)
        for name, text in {"__init__": "", **modules}.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        return importlib.import_module(wanted)

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "shelf"]:
        del sys.modules[name]

"""Tiny real projects, written into a folder and loaded in this process."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from assetflow.load.definitions import Loaded
from assetflow.load.load import load
from assetflow.load.settings import find_settings

HEAD = "from assetflow import *\n"


@dataclass(frozen=True)
class Written:
    """A project in a folder."""

    path: Path

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    def load(
        self,
        *,
        modules: Sequence[str] = (),
        sets: Sequence[str] = (),
        resources: Mapping[str, object] | None = None,
        environment: str | None = None,
    ) -> Loaded:
        """Load it as a new process would: its modules are imported again."""
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(f"{self.path}/"):
                del sys.modules[name]
        settings = find_settings(self.path, modules=modules, environ={})
        return load(settings, sets=sets, resources=resources, environment=environment)

    def mistakes(self, **arguments: object) -> str:
        """The full text of all mistakes."""
        return "\n".join(str(error) for error in self.load(**arguments).mistakes)  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Callable[..., Written]]:
    """Write a project of these files; ``shop/__init__.py`` and the settings are there unless given."""
    path_before, modules_before = list(sys.path), set(sys.modules)

    def make(files: Mapping[str, str], settings: str = "") -> Written:
        written = Written(tmp_path)
        written.write("assetflow.toml", 'modules = ["shop"]\n' + textwrap.dedent(settings))
        for name, text in {"shop/__init__.py": "", **files}.items():
            written.write(name, text)
        return written

    yield make
    sys.path[:] = path_before
    for name in set(sys.modules) - modules_before:
        if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
            del sys.modules[name]

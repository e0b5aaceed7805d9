"""Projects of a few files, imported the way assetflow imports them, and their assets' code versions."""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from assetflow.load.code.sources import ProjectSources
from assetflow.load.code.versions import CodeVersions
from assetflow.model.versions import CodeVersion


def written(root: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


class Opened:
    """One load of a project."""

    def __init__(self, root: Path, *, cache: Path | None = None) -> None:
        self.sources = ProjectSources(root, cache=cache)
        self.versions = CodeVersions(self.sources)

    def module(self, name: str) -> object:
        with self.sources.importing():
            return importlib.import_module(name)

    def version(self, asset: str = "shop.assets.orders", **options: object) -> CodeVersion:
        module, _, name = asset.rpartition(".")
        function = getattr(self.module(module), name).function
        options.setdefault("inputs", {"raw": 0, "extra": 1})
        return self.versions.of(function, **options)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Opened]]:
    """Open a project of these files in a folder of its own; modules of an earlier one are forgotten."""
    before = set(sys.modules)
    path = list(sys.path)
    numbers = itertools.count()

    def forget() -> None:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in {"shop", "conf", "lib"}:
                del sys.modules[name]
        sys.path[:] = path

    def open_(files: Mapping[str, str] | None = None, *, root: Path | None = None, cache: Path | None = None) -> Opened:
        forget()
        root = root or tmp_path / f"project{next(numbers)}"
        written(root, files or {})
        sys.path.insert(0, str(root))
        return Opened(root, cache=cache)

    yield open_
    forget()


@pytest.fixture(scope="session")
def interpreter() -> Callable[[str], str]:
    """The Python of a version on this machine; the test is skipped where there is none that runs."""

    def found(version: str) -> str:
        roots = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
        for path in [shutil.which(f"python{version}"), *map(str, sorted(roots.glob(f"{version}*/bin/python")))]:
            if path and subprocess.run([path, "-c", "pass"], capture_output=True, check=False).returncode == 0:
                return path
        pytest.skip(f"no python{version} on this machine")

    return found

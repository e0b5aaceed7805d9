from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from assetflow.catalog import Catalog
from assetflow.catalog.journal import CatalogJournal

WRITER = Path(__file__).with_name("writer.py")


def _writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("catalog_writer", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def w() -> ModuleType:
    """What there is to record: claims, finished steps, values."""
    return _writer()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture(params=["file", "memory"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog: everything must hold in a file and in memory."""
    place = tmp_path / "catalog.db" if request.param == "file" else "sqlite://"
    with Catalog.open(place, create=True) as catalog:
        yield catalog
        assert catalog.verify() == ()


@pytest.fixture
def journal(catalog: Catalog, w: ModuleType) -> CatalogJournal:
    return catalog.journal("main", clock=lambda: w.NOON)


@pytest.fixture
def another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts another process on a catalog; all are ended with the test."""
    started: list[subprocess.Popen[str]] = []
    # Bytecode is kept for the session, so that each process is there in a moment.
    cache = {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.getbasetemp() / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}

    def start(path: Path, role: str, *rest: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(WRITER), str(path), role, *map(str, rest)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **cache},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()

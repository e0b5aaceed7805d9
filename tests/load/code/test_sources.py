from __future__ import annotations

import importlib
import os
import py_compile
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetflow.errors import DefinitionError
from assetflow.load.code.sources import ProjectSources

FILES = {
    "shop/__init__.py": "",
    "shop/lib.py": "VALUE = 1\n",
    "shop/assets.py": "from assetflow import asset\nfrom shop.lib import VALUE\n"
    "@asset\ndef orders(raw):\n    return VALUE\n",
}


def aged(root: Path, seconds: float = 60) -> None:
    """As if the files had been written some time ago. Their ctime still says now."""
    then = time.time() - seconds
    for path in root.rglob("*.py"):
        os.utime(path, (then, then))


def test_a_stale_pycache_is_never_run(opened: Callable[..., Any]) -> None:
    project = opened(FILES)
    lib = project.sources.root / "shop/lib.py"
    py_compile.compile(str(lib), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    lib.write_text("VALUE = 2\n")
    assert project.module("shop.lib").VALUE == 2


def test_importing_leaves_no_pycache_and_no_finder(opened: Callable[..., Any]) -> None:
    before = list(sys.meta_path)
    project = opened(FILES)
    project.module("shop.assets")
    assert sys.meta_path == before
    assert not list(project.sources.root.rglob("__pycache__"))


def test_a_module_edited_while_it_is_imported_is_refused(opened: Callable[..., Any]) -> None:
    project = opened(
        {**FILES, "shop/lib.py": "from pathlib import Path\nPath(__file__).write_text('VALUE = 3')\nVALUE = 1\n"}
    )
    with pytest.raises(DefinitionError) as caught:
        project.module("shop.assets")
    assert caught.value.code == "source-changed"
    assert caught.value.where == ("shop/lib.py",)


def test_a_file_edited_later_is_known_to_be_changed(opened: Callable[..., Any]) -> None:
    project = opened(FILES)
    project.module("shop.assets")
    assert project.sources.changed() == ()
    path = project.sources.root / "shop/lib.py"
    path.write_text("VALUE = 7\n")
    assert project.sources.changed() == (str(path),)


def test_what_the_module_raises_is_raised(opened: Callable[..., Any]) -> None:
    with pytest.raises(ZeroDivisionError):
        opened({**FILES, "shop/lib.py": "1 / 0\n"}).module("shop.assets")
    with pytest.raises(SyntaxError):
        opened({**FILES, "shop/lib.py": "def (\n"}).module("shop.assets")


def test_modules_can_be_forgotten_and_run_again(opened: Callable[..., Any]) -> None:
    project = opened(FILES)
    first = project.module("shop.assets")
    project.sources.unload()
    assert project.module("shop.assets") is not first


def test_the_cache_gives_the_same_and_is_only_written_when_told_to(opened: Callable[..., Any], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = opened(FILES, cache=cache)
    plain = first.version()
    assert not cache.exists()
    first.sources.save_cache()
    (written,) = cache.iterdir()
    again = opened(root=first.sources.root, cache=cache)
    assert again.version() == plain
    (first.sources.root / "shop/lib.py").write_text("VALUE = 2\n")
    assert opened(root=first.sources.root, cache=cache).version() != plain
    assert written.exists()


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x00" * 100], ids=["empty", "text", "zeros"])
def test_a_damaged_cache_is_as_good_as_none(damage: bytes, opened: Callable[..., Any], tmp_path: Path) -> None:
    project = opened(FILES, cache=tmp_path / "cache")
    plain = project.version()
    project.sources.save_cache()
    (path,) = (tmp_path / "cache").iterdir()
    data = path.read_bytes()
    for bad in (damage, data[:-1], data[:40] + b"\xff" + data[41:]):
        path.write_bytes(bad)
        assert opened(root=project.sources.root, cache=tmp_path / "cache").version() == plain


def test_a_read_only_cache_is_no_error(opened: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    project = opened(FILES, cache=tmp_path / "file")
    project.version()
    project.sources.save_cache()


def test_an_edit_that_keeps_size_and_times_is_still_seen(opened: Callable[..., Any], tmp_path: Path) -> None:
    project = opened(FILES, cache=tmp_path / "cache")
    aged(project.sources.root)
    plain = project.version()
    project.sources.save_cache()
    path = project.sources.root / "shop/lib.py"
    kept = path.stat()
    path.write_text("VALUE = 2\n")
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert opened(root=project.sources.root, cache=tmp_path / "cache").version() != plain


def test_project_code_lies_under_the_folder_and_outside_environments(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env/pyvenv.cfg").touch()
    sources = ProjectSources(tmp_path)
    assert sources.is_project_file(str(tmp_path / "shop/assets.py"))
    assert not sources.is_project_file(str(tmp_path / "env/lib/python3/x.py"))
    assert not sources.is_project_file(str(tmp_path / "lib/site-packages/x.py"))
    assert not sources.is_project_file(str(tmp_path.parent / "x.py"))
    assert not sources.is_project(sys.modules["json"])


def test_assetflow_is_never_project_code_even_in_its_own_repository() -> None:
    import assetflow

    home = Path(assetflow.__file__).parent
    sources = ProjectSources(home.parent)
    assert not sources.is_project(assetflow)
    assert sources.is_project_file(str(home.parent / "projects/flights/assets.py"))


def test_libraries_are_left_to_pythons_own_loader(opened: Callable[..., Any]) -> None:
    project = opened(FILES)
    with project.sources.importing():
        sys.modules.pop("this_is_nothing", None)
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("this_is_nothing")
        assert type(importlib.import_module("colorsys").__loader__).__name__ != "_Loader"

"""Modules are imported in sorted order, and one that does not import hides no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

Project = Callable[..., Any]
ASSET = "from assetflow import asset\n@asset\ndef {0}() -> int: return 1\n"


def keys(loaded: Any) -> list[str]:
    return [str(each) for each in loaded.graph.definitions]


def test_a_package_names_every_module_below_it(project: Project) -> None:
    loaded = project(
        {
            "shop/b.py": ASSET.format("b"),
            "shop/deep/__init__.py": "",
            "shop/deep/c.py": ASSET.format("c"),
            "shop/__main__.py": "raise SystemExit(3)",
            "other.py": ASSET.format("d"),
        }
    ).load()
    assert loaded.mistakes == ()
    assert keys(loaded) == ["shop.b", "shop.c"]


def test_assets_are_found_in_lists_tuples_and_dicts_and_count_once(project: Project) -> None:
    loaded = project(
        {
            "shop/a.py": """
                from assetflow import asset
                def made(name):
                    @asset(name=name)
                    def number() -> int: return 1
                    return number
                LIST, TUPLE, DICT = [made("a")], (made("b"),), {"c": made("c")}
                alias = again = LIST[0]
            """,
            "shop/z.py": "from shop.a import alias",
        }
    ).load()
    assert loaded.mistakes == ()
    assert keys(loaded) == ["shop.a", "shop.b", "shop.c"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "import nowhere_at_all\n",
            "error[module-does-not-import]: shop.bad does not import: ModuleNotFoundError:"
            " No module named 'nowhere_at_all'\n  shop.bad   shop/bad.py:1",
        ),
        (
            "x = 1\ndef f(:\n",
            "error[module-does-not-import]: shop.bad does not import: SyntaxError: invalid syntax (bad.py, line 2)\n"
            "  shop.bad   shop/bad.py:2",
        ),
        (
            "def f():\n    return {}['key']\n\nimport json\nf()\n",
            "error[module-does-not-import]: shop.bad does not import: KeyError: 'key'\n  shop.bad   shop/bad.py:2",
        ),
        (
            "import json\njson.loads('{')\n",
            "error[module-does-not-import]: shop.bad does not import: JSONDecodeError: Expecting property name enclosed"
            " in double quotes: line 1 column 2 (char 1)\n  shop.bad   shop/bad.py:2",
        ),
        (
            "import sys\nsys.exit(1)\n",
            "error[module-does-not-import]: shop.bad does not import: SystemExit: 1\n  shop.bad   shop/bad.py:2",
        ),
        (
            "from assetflow import Retry\n\nRetry(0)\n",
            "error[bad-retry]: Retry needs attempts ≥ 1 and factor ≥ 1, got 0 and 2\n  shop.bad   shop/bad.py:3",
        ),
    ],
)
def test_a_module_that_does_not_import_is_named_with_its_line_and_the_rest_loads(
    project: Project, text: str, expected: str
) -> None:
    loaded = project({"shop/a.py": ASSET.format("a"), "shop/bad.py": text, "shop/z.py": ASSET.format("z")}).load()
    assert [str(each) for each in loaded.mistakes] == [expected]
    assert loaded.broken == ("shop.bad",)
    assert keys(loaded) == ["shop.a", "shop.z"]


def test_an_error_that_several_modules_run_into_is_told_once(project: Project) -> None:
    loaded = project(
        {"shop/bad.py": "1 / 0", "shop/a.py": "from shop.bad import x", "shop/z.py": "import shop.bad"}
    ).load()
    assert loaded.broken == ("shop.a", "shop.bad", "shop.z")
    assert [str(each) for each in loaded.mistakes] == [
        "error[module-does-not-import]: shop.bad does not import: ZeroDivisionError: division by zero\n"
        "  shop.bad   shop/bad.py:1"
    ]


def test_a_module_that_is_not_there_is_named_with_the_nearest(project: Project) -> None:
    written = project({"shop/assets.py": ASSET.format("a")})
    text = written.mistakes(modules=["shop.asets"])
    assert text == (
        f"error[module-does-not-import]: there is no module shop.asets in {written.path}\n"
        "hint: did you mean shop.assets?"
    )


def test_what_modules_print_does_not_mix_with_answers(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project({"shop/a.py": "print('hello')"}).load()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err


def test_two_projects_with_a_module_of_one_name_do_not_mix_in_one_process(project: Project, tmp_path: Any) -> None:
    from assetflow.load.load import load
    from assetflow.load.settings import find_settings

    project({"shop/a.py": ASSET.format("a")}).load()
    other = tmp_path / "other"
    (other / "shop").mkdir(parents=True)
    (other / "assetflow.toml").write_text('modules = ["shop"]')
    (other / "shop" / "__init__.py").write_text("")
    (other / "shop" / "b.py").write_text(ASSET.format("b"))
    assert keys(load(find_settings(other, environ={}))) == ["shop.b"]


def test_only_what_is_named_is_imported(project: Project) -> None:
    written = project({"shop/a.py": ASSET.format("a"), "json.py": "raise SystemExit('hostile')"})
    code = (
        "import sys, pathlib\nfrom assetflow.load.settings import find_settings\nfrom assetflow.load.load import load\n"
        f"loaded = load(find_settings(pathlib.Path({str(written.path)!r}), environ={{}}))\n"
        "print(loaded.mistakes, *loaded.graph.nodes)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.startswith("()"), result.stderr

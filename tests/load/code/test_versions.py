# ruff: noqa: E501 — projects of a few lines, each on one
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetflow.errors import DefinitionError
from assetflow.load.code.differences import differences, unstable
from assetflow.load.code.includes import package

HEAD = "from assetflow import asset\n"
INIT = {"shop/__init__.py": ""}


def shop(assets: str, **more: str) -> dict[str, str]:
    return {**INIT, "shop/assets.py": HEAD + assets, **{f"shop/{name}.py": text for name, text in more.items()}}


UNTRACKED = {
    "getattr on a module": ("getattr(lib, 'o' + 'ne')(raw)", "getattr(lib, ...)"),
    "getattr on something made up": ("getattr(make(), raw)", "getattr(...)"),
    "exec": ("exec(raw)", "exec(...)"),
    "eval": ("eval(raw)", "eval(...)"),
    "globals": ("globals()['lib']", "globals(...)"),
    "locals": ("locals()", "locals(...)"),
    "vars": ("vars()", "vars(...)"),
    "import_module": ("importlib.import_module(raw)", "importlib.import_module(...)"),
    "__import__": ("__import__(raw)", "__import__(...)"),
}
IMPORTS = (
    "import importlib\nfrom importlib import import_module as load\nfrom shop import lib\ndef make(): return lib\n"
)


@pytest.mark.parametrize(("code", "what"), UNTRACKED.values(), ids=list(UNTRACKED))
def test_what_cannot_be_followed_is_said_with_its_place(code: str, what: str, opened: Callable[..., Any]) -> None:
    files = shop(f"{IMPORTS}@asset\ndef orders(raw):\n    return {code}\n", lib="def one(x): return x\n")
    (untracked,) = opened(files).version().untracked
    assert untracked.what.startswith(what)
    assert untracked.where == "shop/assets.py:8"


@pytest.mark.parametrize("code", ["load(raw)", "list(map(eval, raw))"])
def test_following_is_not_evaded_by_another_name(code: str, opened: Callable[..., Any]) -> None:
    files = shop(f"{IMPORTS}@asset\ndef orders(raw):\n    return {code}\n", lib="")
    (untracked,) = opened(files).version().untracked
    assert untracked.what.endswith("(...) by another name")


FOLLOWED = {
    "a literal name": "getattr(lib, 'one')(raw)",
    "an attribute of an input": "getattr(raw, 'x' + extra)",
    "a class": "getattr(C, raw)",
    "an instance": "getattr(c, raw)",
    "a literal import": "importlib.import_module('shop.lib').one(raw)",
    "a method named eval": "raw.eval('x')",
}


@pytest.mark.parametrize("code", FOLLOWED.values(), ids=list(FOLLOWED))
def test_what_can_be_followed_is_not_complained_of(code: str, opened: Callable[..., Any]) -> None:
    head = IMPORTS + "class C: pass\nc = C()\n"
    files = shop(f"{head}@asset\ndef orders(raw, extra):\n    return {code}\n", lib="def one(x): return x\n")
    assert opened(files).version().untracked == ()


@pytest.mark.parametrize("code", ["getattr(lib, 'one')(raw)", "importlib.import_module('shop.lib').one(raw)"])
def test_literal_names_are_followed(code: str, opened: Callable[..., Any]) -> None:
    assets = f"{IMPORTS}@asset\ndef orders(raw):\n    return {code}\n"
    old = opened(shop(assets, lib="def one(x): return x\n")).version()
    new = opened(shop(assets, lib="def one(x): return -x\n")).version()
    assert [found.name for found in differences(old.parts, new.parts)] == ["shop.lib.one"]


def test_a_change_is_told_with_values_and_place(opened: Callable[..., Any]) -> None:
    assets = "from shop.lib import MOST\n@asset\ndef orders(raw):\n    return min(raw, MOST)\n"
    old = opened(shop(assets, lib="\nMOST = 60\n")).version()
    new = opened(shop(assets, lib="\nMOST = 90\n")).version()
    (found,) = differences(old.parts, new.parts)
    assert str(found) == "constant shop.lib.MOST changed: 60 → 90 (shop/lib.py:2)"


def test_a_clone_in_another_folder_has_the_same_versions(opened: Callable[..., Any]) -> None:
    files = shop(
        "from pathlib import Path\nHERE = Path(__file__).parent\nTEXT = str(HERE)\n"
        "@asset\ndef orders(raw):\n    return HERE, TEXT, __file__\n"
    )
    assert opened(files).version() == opened(files).version()


def test_versions_do_not_depend_on_hash_seeds_or_on_the_order_of_asking(tmp_path: Path) -> None:
    script = """
import sys, importlib
from pathlib import Path
from assetflow.load.code.sources import ProjectSources
from assetflow.load.code.versions import CodeVersions
root = Path(sys.argv[1]); sys.path.insert(0, str(root))
sources = ProjectSources(root)
with sources.importing(): module = importlib.import_module("shop.assets")
versions = CodeVersions(sources)
found = {name: versions.of(getattr(module, name).function, inputs={}) for name in sys.argv[2].split()}
print(sorted(found.items()))
"""
    files = shop(
        "S = frozenset({'a', 'b', 1, 2.5})\ndef even(n): return odd(n) or S\ndef odd(n): return even(n)\n"
        "class C:\n    def go(self): return C, even, {1, 'x'}\nc = C()\n"
        "@asset\ndef one(): return even(1), c\n@asset\ndef two(): return odd(1), C\n"
    )
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    found = {
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), order],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONDONTWRITEBYTECODE": "1"},
        ).stdout
        for seed, order in (("1", "one two"), ("2", "two one"), ("3", "one two"))
    }
    assert len(found) == 1


def test_recursive_functions_have_the_same_version_wherever_one_enters(opened: Callable[..., Any]) -> None:
    assets = "def even(n): return odd(n)\ndef odd(n): return even(n)\n@asset\ndef orders(raw): return even(raw)\n"
    first = opened(shop(assets + "@asset\ndef other(raw): return odd(raw)\n"))
    first.version("shop.assets.other")
    assert first.version() == opened(shop(assets)).version()


def test_a_declared_version_stands_for_all_code_but_includes_count(opened: Callable[..., Any], tmp_path: Path) -> None:
    old, new = (opened(shop(f"@asset\ndef orders(raw): return {n}\n")) for n in (1, 2))
    assert old.version(declared="1").declared == "1"
    declared = opened(shop("@asset\ndef orders(raw): return 1\n")).version(declared="1", includes=[1])
    old = opened(shop("@asset\ndef orders(raw): return 1\n")).version(declared="1")
    new = opened(shop("@asset\ndef orders(raw): return 2\n")).version(declared="1")
    assert old.digest == new.digest != declared.digest


def test_packages_count_by_their_installed_version(opened: Callable[..., Any]) -> None:
    project = opened(shop("@asset\ndef orders(raw): return 1\n"))
    version = project.version(includes=[package("pytest")])
    assert [part.text for part in version.parts if part.name == "package pytest"] == [pytest.__version__]
    with pytest.raises(DefinitionError) as caught:
        project.version(includes=[package("pytestt")])
    assert caught.value.code == "unknown-package"
    assert "pytest" in caught.value.hint


def test_a_missing_included_file_is_refused(opened: Callable[..., Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        opened(shop("@asset\ndef orders(raw): return 1\n")).version(includes=[Path("no.sql")])
    assert caught.value.code == "include-missing"


RESOURCE = """
from assetflow import Resource
class Api(Resource, rate="80/min"):
    url: str = "x"
    def fetch(self): return self.url + SUFFIX
SUFFIX = "/"
@asset
def orders(raw): return raw
"""


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ('"x"', '"y"', False),
        ('"80/min"', '"90/min"', False),
        ("self.url +", "self.url -", True),
        ('SUFFIX = "/"', 'SUFFIX = "."', True),
    ],
    ids=["a field's default", "a class keyword", "a method", "a constant that a method reads"],
)
def test_a_resource_counts_with_its_methods_not_its_fields(
    old: str, new: str, differs: bool, opened: Callable[..., Any]
) -> None:
    def version(text: str) -> str:
        project = opened(shop(text))
        api = project.module("shop.assets").Api
        assert project.versions.of_class(api).parts
        digest: str = project.version(resources={"api": api}).digest
        return digest

    assert (version(RESOURCE) != version(RESOURCE.replace(old, new))) == differs


def test_parameters_that_are_given_are_told_apart_by_place_not_by_name(opened: Callable[..., Any]) -> None:
    def version(text: str, ignored: list[str]) -> str:
        digest: str = opened(shop(f"@asset\n{text}\n")).version(inputs={}, ignored_parameters=ignored).digest
        return digest

    old = version("def orders(ctx, api): return ctx.a, api.b", ["ctx", "api"])
    assert old == version("def orders(context, shop): return context.a, shop.b", ["context", "shop"])
    assert old != version("def orders(ctx, api): return api.a, ctx.b", ["ctx", "api"])


def test_a_value_that_differs_between_two_loads_is_found(opened: Callable[..., Any]) -> None:
    files = shop("import time\nNOW = time.perf_counter_ns()\nTHEN = 1\n@asset\ndef orders(raw): return NOW, THEN\n")
    first, second = opened(files).version(), opened(files).version()
    (found,) = unstable({"orders": first}, {"orders": second})["orders"]
    assert found.name == "shop.assets.NOW"


def test_equal_loads_have_nothing_unstable(opened: Callable[..., Any]) -> None:
    files = shop("@asset\ndef orders(raw): return 1\n")
    assert unstable({1: opened(files).version()}, {1: opened(files).version()}) == {}


def test_two_lambdas_on_a_line_are_told_apart(opened: Callable[..., Any]) -> None:
    def version(name: str) -> str:
        lambdas = "one, two = lambda x: (lambda: x + 1), lambda x: (lambda: x + 2)\n"
        digest: str = (
            opened(shop(f"{lambdas}run = {name}(1)\n@asset\ndef orders(raw): return run()\n")).version().digest
        )
        return digest

    assert version("one") != version("two")


def test_code_without_source_counts_by_its_bytecode(opened: Callable[..., Any]) -> None:
    def version(body: str) -> str:
        text = f"exec('def made(x): return {body}')\n@asset\ndef orders(raw): return made(raw)\n"
        digest: str = opened(shop(text)).version().digest
        return digest

    assert version("x + 1") == version("x + 1") != version("x + 2")


def test_a_helper_imported_where_it_is_used_may_wait_until_then(opened: Callable[..., Any]) -> None:
    text = "@asset\ndef orders(raw):\n    from shop import lib\n    return lib.one(raw)\n"
    old = opened(shop(text, lib="def one(x): return x\ndef two(x): return x\n")).version()
    same = opened(shop(text, lib="def one(x): return x\ndef two(x): return -x\n")).version()
    new = opened(shop(text, lib="def one(x): return -x\ndef two(x): return x\n")).version()
    assert old.digest == same.digest != new.digest


def test_a_local_import_of_a_broken_or_missing_module_is_no_error(opened: Callable[..., Any]) -> None:
    text = "@asset\ndef orders(raw):\n    from shop import lib, nothing\n    return lib.one(raw), nothing\n"
    assert opened(shop(text, lib="1 / 0\n")).version().digest


def test_two_assets_that_call_each_other_are_described(opened: Callable[..., Any]) -> None:
    text = "@asset\ndef one(raw): return two(raw) if raw else 0\n@asset\ndef two(raw): return one(raw)\n"
    project = opened(shop(text))
    assert project.version("shop.assets.one").digest != project.version("shop.assets.two").digest


def test_an_asset_outside_the_project_is_still_read(opened: Callable[..., Any], tmp_path: Path) -> None:
    from assetflow.load.code.sources import ProjectSources
    from assetflow.load.code.versions import CodeVersions

    def version(text: str) -> str:
        project = opened(shop(text))
        function = project.module("shop.assets").orders.function
        digest: str = CodeVersions(ProjectSources(tmp_path / "elsewhere")).of(function, inputs={}).digest
        return digest

    old = version("def help(): return 1\n@asset\ndef orders(raw): return help()\n")
    assert old != version("def help(): return 2\n@asset\ndef orders(raw): return help()\n")


def test_a_class_with_computed_attributes_counts_by_their_value(opened: Callable[..., Any]) -> None:
    text = "def read(): return {}\nclass C:\n    a = read()\n@asset\ndef orders(raw): return C.a\n"
    old, new = (opened(shop(text.replace("{}", value))).version() for value in ("1", "2"))
    assert "shop.assets.C" in {found.name for found in differences(old.parts, new.parts)}


def test_a_project_reached_through_a_link_has_the_same_versions(opened: Callable[..., Any], tmp_path: Path) -> None:
    text = "from pathlib import Path\nHERE = Path(__file__).parent\n@asset\ndef orders(raw): return HERE\n"
    plain = opened(shop(text))
    version = plain.version()
    link = tmp_path / "link"
    link.symlink_to(plain.sources.root)
    assert opened(root=link).version() == version


def test_a_chain_of_ten_thousand_helpers_is_followed(opened: Callable[..., Any]) -> None:
    chain = "".join(f"def f{n}(x): return f{n + 1}(x)\n" for n in range(10_000)) + "def f10000(x): return x\n"
    assert len(opened(shop(f"{chain}@asset\ndef orders(raw): return f0(raw)\n")).version().parts) == 10_002


def test_lambdas_without_columns_count_together(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from assetflow.load.code.sources import ProjectSources
from assetflow.load.code.versions import CodeVersions
sys.path.insert(0, sys.argv[1])
import lambdas
print(CodeVersions(ProjectSources(Path(sys.argv[1]))).of(lambdas.one, inputs={}).digest)
"""
    found = set()
    for text in (
        "one, two = lambda x: 1, lambda x: 2",
        "one, two = lambda x: 1, lambda x: 3",
        "one, two = lambda x: 0, 1",
    ):
        (tmp_path / "lambdas.py").write_text(text)
        command = [sys.executable, "-B", "-X", "no_debug_ranges", "-c", script, str(tmp_path)]
        home = str(Path(__file__).parents[3])
        found.add(subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": home}).stdout)
    assert len(found) == 3


def test_a_notebook_s_cell_is_read_from_what_python_remembers_of_it(tmp_path: Path) -> None:
    import linecache

    from assetflow.load.code.sources import ProjectSources
    from assetflow.load.code.versions import CodeVersions

    def version(text: str, cell: str) -> list[str]:
        linecache.cache[cell] = (len(text), None, text.splitlines(True), cell)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(text, cell, "exec"), names)
        found = CodeVersions(ProjectSources(tmp_path)).of(names["cell"], inputs={})
        return [found.digest, *(part.name for part in found.parts)]

    text = "def help(): return 1\ndef cell(raw): return help()\n"
    plain = version(text, "<cell 1>")
    assert plain == version("\n" + text, "<cell 2>") != version(text.replace("1", "2"), "<cell 3>")
    assert plain[1:] == ["__main__.cell", "__main__.help"]


EVERYTHING = """
import collections, contextlib, dataclasses, datetime, decimal, enum, functools, json.decoder as d, logging, operator, os.path as p
import pathlib, re, threading, typing, uuid, zoneinfo
from fractions import Fraction
from functools import lru_cache, partial
loads = __import__("json").loads
class Own(pathlib.Path): x = 1
class Colour(enum.Enum): RED = 1
Named = collections.namedtuple("Named", "a b")
@dataclasses.dataclass(slots=True)
class Box:
    size: int = 1
class Row(typing.NamedTuple):
    a: int = 1
class Map(typing.TypedDict):
    a: int
@functools.singledispatch
def show(x): return 1
@show.register
def _(x: int): return 2
@contextlib.contextmanager
def opened(): yield
VALUES = [
    re.compile("a", re.I), datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")), datetime.timezone.utc, decimal.Decimal(1),
    uuid.UUID(int=1), pathlib.Path("x"), collections.OrderedDict(a=1), collections.Counter("a"), collections.defaultdict(list),
    collections.deque([1]), range(3), slice(1), threading.Lock(), threading.RLock(), logging.getLogger("x"), Fraction(1, 2),
    operator.itemgetter(1), operator.attrgetter("a"), int | None, list[int], 10**5000, partial(print, 1), Colour.RED, Row(), Named(1, 2), Box(),
]
@asset
def orders(raw): return VALUES, pathlib.Path, p.join, lru_cache, loads, d.JSONDecoder, Own, Box, Row, Map, show, opened, Named
"""


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_other_pythons_give_the_same_versions(
    version: str, interpreter: Callable[[str], str], opened: Callable[..., Any], tmp_path: Path
) -> None:
    root = opened(shop(EVERYTHING)).sources.root
    home = Path(__file__).parents[3]
    script = f"""
import importlib, sys, types
sys.path[:0] = [{str(home)!r}, {str(root)!r}]
load = sys.modules["assetflow.load"] = types.ModuleType("assetflow.load")
load.__path__ = [{str(home / "assetflow/load")!r}]
from pathlib import Path
from assetflow.load.code.sources import ProjectSources
from assetflow.load.code.versions import CodeVersions
sources = ProjectSources(Path({str(root)!r}))
with sources.importing():
    module = importlib.import_module("shop.assets")
for part in CodeVersions(sources).of(module.orders.function, inputs={{"raw": 0}}).parts:
    print(part.name, part.digest)
"""
    there, here = (
        subprocess.run([python, "-B", "-c", script], capture_output=True, text=True, check=False)
        for python in (interpreter(version), sys.executable)
    )
    assert (there.stdout, there.stderr) == (here.stdout, "")

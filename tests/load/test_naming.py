"""Groups, names, and what a name means where it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Project = Callable[..., Any]
HEAD = "from assetflow import *\nfrom typing import *\n"
ASSET = HEAD + "@asset\ndef {0}() -> int: return 1\n"


def keys(loaded: Any) -> list[str]:
    return [str(each) for each in loaded.graph.definitions]


def test_the_group_is_the_last_name_of_the_listed_module(project: Project) -> None:
    written = project({"projects/shop/deep/a.py": ASSET.format("a"), "projects/shop/deep/__init__.py": ""})
    written.write("projects/shop/__init__.py", "")
    assert keys(written.load(modules=["projects.shop"])) == ["shop.a"]
    assert keys(written.load(modules=["projects.shop", "projects.shop.deep"])) == ["deep.a"]
    assert keys(written.load(modules=["projects.shop.deep.a"])) == ["a.a"]


def test_a_module_may_say_its_group_and_an_asset_its_own(project: Project) -> None:
    loaded = project(
        {
            "shop/a.py": "GROUP = 'staging'\n" + ASSET.format("a"),
            "shop/b.py": HEAD
            + "@asset(group='marts')\ndef b() -> int: ...\nraw = source('raw', File('x'), group='in_')",
        }
    ).load()
    assert keys(loaded) == ["in_.raw", "marts.b", "staging.a"]


def test_an_asset_of_an_unlisted_module_belongs_where_it_is_found(project: Project) -> None:
    loaded = project({"lib.py": ASSET.format("shared"), "shop/a.py": "from lib import shared"}).load()
    assert keys(loaded) == ["shop.shared"]


def test_an_asset_found_in_two_listed_modules_belongs_to_where_it_is_defined(project: Project) -> None:
    written = project({"shop/z.py": ASSET.format("z"), "lab/__init__.py": "", "lab/a.py": "from shop.z import z"})
    assert keys(written.load(modules=["lab", "shop"])) == ["shop.z"]


def test_factories_take_the_group_of_the_module_that_calls_them(project: Project) -> None:
    factory = """
        from assetflow import *
        def made(name):
            @asset(name=name)
            def number() -> int: return 1
            return number
        def raw(name):
            return source(name, File("x.txt"))
    """
    written = project({"shop/factory.py": factory, "lab/__init__.py": ""})
    written.write("lab/a.py", "from shop.factory import made, raw\na = made('a')\nr = raw('r')")
    written.write("shop/b.py", "from shop.factory import made\nb = [made('b')]")
    assert keys(written.load(modules=["lab", "shop"])) == ["lab.a", "lab.r", "shop.b"]


def test_a_bare_name_means_the_same_group_first_then_the_only_one(project: Project) -> None:
    written = project(
        {
            "shop/a.py": ASSET.format("x") + "@asset\ndef y(x: int, far: int) -> int: ...",
            "lab/__init__.py": ASSET.format("x"),
        }
    )
    written.write("lab/far.py", ASSET.format("far"))
    loaded = written.load(modules=["lab", "shop"])
    assert loaded.mistakes == ()
    (node,) = [node for key, node in loaded.graph.nodes.items() if str(key) == "shop.y"]
    assert [str(each.asset) for each in node.inputs] == ["lab.far", "shop.x"]


def test_an_ambiguous_name_is_told_with_its_candidates(project: Project) -> None:
    written = project({"shop/a.py": HEAD + "@asset\ndef y(x: int) -> int: ..."})
    for group in ("lab", "bar"):
        written.write(f"{group}/__init__.py", ASSET.format("x"))
    assert written.mistakes(modules=["lab", "shop", "bar"]) == (
        "error[ambiguous-input]: shop.y takes 'x', which 2 groups have\n"
        "  shop.y   shop/a.py:3\n"
        "  bar.x    bar/__init__.py:3\n"
        "  lab.x    lab/__init__.py:3\n"
        'hint: write In("bar.x")'
    )


def test_a_key_declared_twice_is_told_with_both_places(project: Project) -> None:
    written = project({"shop/a.py": ASSET.format("x"), "shop/b.py": "# b\n" + ASSET.format("x")})
    assert written.mistakes() == (
        "error[duplicate-key]: shop.x is declared twice\n"
        "  shop.x   shop/a.py:3\n"
        "  shop.x   shop/b.py:4\n"
        "hint: give one of them another name=, or another group="
    )


def test_an_output_may_not_have_the_name_of_another_asset(project: Project) -> None:
    body = "class S(NamedTuple):\n    x: int\n    y: int\n@multi_asset\ndef both() -> S: ...\n"
    written = project({"shop/a.py": ASSET.format("x"), "shop/b.py": HEAD + body})
    assert [error.code for error in written.load().mistakes] == ["duplicate-key"]
    written.write("shop/a.py", ASSET.format("both"))
    assert [error.code for error in written.load().mistakes] == ["duplicate-key"]


def test_names_that_are_no_identifiers_are_refused(project: Project) -> None:
    written = project({"shop/a.py": HEAD + "raw = source('raw data', File('x'))\n@asset(group='ä')\ndef x(): ...\n"})
    assert written.mistakes() == (
        "error[bad-name]: 'raw data' cannot name an asset\n"
        "  shop.raw data   shop/a.py:3\n"
        "hint: use ASCII letters, digits and _, and do not begin with a digit\n"
        "error[bad-name]: 'ä' cannot name a group\n"
        "  ä.x   shop/a.py:4\n"
        "hint: use ASCII letters, digits and _, and do not begin with a digit"
    )


def test_an_unknown_name_says_what_to_do(project: Project) -> None:
    body = """
        @asset
        def a(ctx): ...
        @asset
        def b(both: int): ...
        class S(NamedTuple):
            one: int
            two: int
        @multi_asset
        def both() -> S: ...
        @asset
        def c(x: Annotated[int, In("lab.one")]): ...
        @asset
        def d(x: Annotated[int, In(both["onee"])]): ...
        @asset
        def e(x: Annotated[int, In(both)]): ...
    """
    import textwrap

    written = project({"shop/a.py": HEAD + textwrap.dedent(body)})
    assert written.mistakes() == (
        "error[unknown-input]: shop.a takes 'ctx', and there is no such asset\n"
        "  shop.a   shop/a.py:4\n"
        "hint: for the running step, annotate it: ctx: Context\n"
        "error[unknown-input]: shop.b takes 'both', and there is no such asset\n"
        "  shop.b   shop/a.py:6\n"
        "hint: it makes several assets: one, two\n"
        "error[unknown-input]: shop.c takes 'lab.one', and there is no such asset\n"
        "  shop.c   shop/a.py:13\n"
        "hint: did you mean shop.one?\n"
        "error[unknown-input]: shop.d takes 'onee' of shop.both, which makes one, two\n"
        "  shop.d      shop/a.py:15\n"
        "  shop.both   shop/a.py:11\n"
        "hint: did you mean one?\n"
        "error[ambiguous-input]: shop.e takes 'x' from <multi_asset both>, which makes several assets\n"
        "  shop.e   shop/a.py:17\n"
        'hint: name one of them: In(both["one"]), In(both["two"])'
    )


def test_an_input_that_may_be_in_a_broken_module_says_so(project: Project) -> None:
    written = project({"shop/a.py": HEAD + "@asset\ndef x(zebra: int): ...", "shop/b.py": "1 / 0"})
    assert "hint: it may be in a module that does not import: shop.b" in written.mistakes()


def test_an_object_of_no_listed_module_is_told(project: Project) -> None:
    written = project(
        {
            "lib.py": ASSET.format("far"),
            "shop/a.py": HEAD + "import lib\n@asset\ndef x(y: Annotated[int, In(lib.far)]): ...",
        }
    )
    assert written.mistakes() == (
        "error[undeclared-input]: shop.x takes <asset far>, which is no asset of this project\n"
        "  shop.x   shop/a.py:4\n"
        "hint: an asset counts when a listed module holds it, by a name of its own or in a list, tuple or dict"
    )

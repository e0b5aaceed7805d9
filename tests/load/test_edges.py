"""Edges: parameter rules in their order, mappings, types, cycles."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from assetflow.model.keys import AssetKey

Project = Callable[..., Any]
HEAD = "from assetflow import *\nfrom typing import *\nimport polars as pl\n"


def written(project: Project, body: str) -> Any:
    return project({"shop/a.py": HEAD + textwrap.dedent(body).lstrip("\n")})


def bound(project: Project, body: str, name: str = "x") -> Any:
    loaded = written(project, body).load()
    assert loaded.mistakes == ()
    return loaded.bound[AssetKey("shop", name)]


def test_a_marker_decides_before_everything_else(project: Project) -> None:
    found = bound(
        project,
        """
        @asset
        def y() -> int: ...
        @asset
        def x(y: Annotated[int, In()] = 3, z: Annotated[int, Param()] = 4, other: Annotated[int, In("y")] = 5): ...
        """,
    )
    assert [(each.parameter, each.edge.optional, each.default) for each in found.inputs] == [
        ("other", True, 5),
        ("y", True, 3),
    ]
    assert found.parameters == {"z": 4}


def test_a_param_marker_may_name_an_asset(project: Project) -> None:
    found = bound(project, "@asset\ndef y() -> int: ...\n@asset\ndef x(y: Annotated[int, Param()] = 3): ...\n")
    assert found.parameters == {"y": 3}
    assert found.inputs == ()


def test_a_required_parameter_that_nothing_sets_is_told(project: Project) -> None:
    assert written(project, "@asset\ndef x(y: Annotated[int, Param()]): ...").mistakes() == (
        "error[bad-parameter]: shop.x needs the parameter y, and nothing sets it\n"
        "  shop.x   shop/a.py:4\n"
        "hint: write it into [parameters], or give --set y=VALUE"
    )


def test_context_and_resource_come_before_defaults(project: Project) -> None:
    found = bound(
        project,
        """
        class R(Resource): ...
        @asset
        def x(c: Context = None, r: R = None, k: int = 1): ...
        """,
    )
    assert found.context == "c"
    assert [each.parameter for each in found.resources] == ["r"]
    assert found.parameters == {"k": 1}


def test_protocols_of_the_standard_library_are_values(project: Project) -> None:
    found = bound(project, "@asset\ndef y() -> int: ...\n@asset\ndef x(y: SupportsInt): ...\n")
    assert [each.parameter for each in found.inputs] == ["y"]


@pytest.mark.parametrize(
    ("gives", "takes", "converts"),
    [("int", "float", True), ("int", "int | None", True), ("pl.DataFrame", "pl.LazyFrame", True), ("", "str", True)],
)
def test_assignable_types_pass(project: Project, gives: str, takes: str, converts: bool) -> None:
    arrow = f" -> {gives}" if gives else ""
    assert bound(project, f"@asset\ndef y(){arrow}: ...\n@asset\ndef x(y: {takes}): ...\n")


def test_types_that_do_not_fit_are_told_with_both_places(project: Project) -> None:
    body = "@asset\ndef y() -> list[int]: ...\n@asset\ndef x(y: dict[str, int]) -> int: ...\n"
    assert written(project, body).mistakes().splitlines()[:3] == [
        "error[edge-type]: shop.x takes y: dict[str, int], but shop.y gives list[int]",
        "  shop.x   shop/a.py:6",
        "  shop.y   shop/a.py:4",
    ]


def test_a_source_without_type_gives_a_path(project: Project) -> None:
    head = "from pathlib import Path\nraw = source('raw', File('x.csv'))\n"
    assert bound(project, head + "@asset\ndef x(raw: Path): ...").inputs[0].hint.__name__ == "Path"
    assert (
        "takes raw: str, but shop.raw gives Path" in written(project, head + "@asset\ndef x(raw: str): ...").mistakes()
    )


def test_an_observed_source_has_no_value(project: Project) -> None:
    head = "api = source('api', observe=lambda: 1)\n"
    assert written(project, head + "@asset\ndef x(api): ...").mistakes() == (
        "error[edge-type]: shop.x takes 'api' from shop.api, which is only observed and has no value\n"
        "  shop.x     shop/a.py:5\n"
        "  shop.api   shop/a.py:4\n"
        "hint: list it in deps=[api]"
    )
    loaded = written(project, head + "@asset(deps=[api])\ndef x(): ...").load()
    assert loaded.mistakes == ()
    assert loaded.bound[AssetKey("shop", "x")].inputs == ()


FILES = """
inbox = source("inbox", Files("in/*.txt"), type=str)
other = source("other", Files("other/*.txt"), type=str)
@asset(partitions=inbox)
def words(inbox: str) -> int: ...
@asset(partitions=inbox)
def doubled(words: int) -> int: ...
"""


def test_partitions_of_one_source_are_read_key_by_key(project: Project) -> None:
    loaded = written(project, FILES).load()
    assert loaded.mistakes == ()
    node = loaded.graph.nodes[AssetKey("shop", "doubled")]
    assert node.partitioning.text == "keys of shop.inbox"
    assert [(str(each.asset), each.mapping.text) for each in node.inputs] == [("shop.words", "same")]
    assert loaded.graph.nodes[AssetKey("shop", "inbox")].partitioning.text == "keys of shop.inbox"


def test_all_partitions_come_as_a_dict_or_as_one_table(project: Project) -> None:
    body = FILES + textwrap.dedent(
        """
        @asset(partitions=inbox)
        def table(inbox) -> pl.DataFrame: ...
        @asset(deps=[words])
        def x(
            words: Annotated[dict[str, int], In(partitions=All())],
            table: Annotated[pl.DataFrame, In(partitions=All())],
            tables: Annotated[dict[str, pl.DataFrame], In("table", partitions=All())],
        ) -> int: ...
        """
    )
    found = bound(project, body)
    assert {each.parameter: (each.shape, each.edge.mapping.text) for each in found.inputs} == {
        "words": ("dict", "all"),
        "table": ("table", "all"),
        "tables": ("dict", "all"),
    }


def test_mappings_that_cannot_be_are_told(project: Project) -> None:
    body = FILES + textwrap.dedent(
        """
        @asset
        def single(words: int) -> int: ...
        @asset(partitions=other)
        def across(words: int) -> int: ...
        @asset
        def shaped(words: Annotated[int, In(partitions=All())]) -> int: ...
        @asset
        def member(words: Annotated[dict[str, str], In(partitions=All())]) -> int: ...
        @asset(partitions=["a", "b"])
        def later() -> int: ...
        """
    )
    assert written(project, body).mistakes() == (
        "error[needs-mapping]: shop.single (single) takes 'words' from shop.words (keys of shop.inbox):"
        " which of its partitions is not said\n"
        "  shop.single   shop/a.py:11\n"
        "  shop.words    shop/a.py:6\n"
        "hint: for all as one table words: Annotated[T, In(partitions=All())]; Last(7) for the newest\n"
        "error[impossible-mapping]: shop.across (keys of shop.other) takes 'words' from shop.words"
        " (keys of shop.inbox): which keys is not clear\n"
        "  shop.across   shop/a.py:13\n"
        "  shop.words    shop/a.py:6\n"
        "hint: to read all of them: words: Annotated[dict[str, T], In(partitions=All())]\n"
        "error[edge-type]: shop.shaped takes words: int, but reads several partitions of shop.words\n"
        "  shop.shaped   shop/a.py:15\n"
        "  shop.words    shop/a.py:6\n"
        "hint: annotate it as dict[str, T], as Iterator[T], or as a table of all of them; or say which one it reads, "
        "with In(partitions=...)\n"
        "error[edge-type]: shop.member takes words: dict[str, str], but shop.words gives int\n"
        "  shop.member   shop/a.py:17\n"
        "  shop.words    shop/a.py:6\n"
        "hint: int is not str\n"
        "error[bad-argument]: shop.later: it is partitioned by ['a', 'b']\n"
        "  shop.later   shop/a.py:19\n"
        'hint: partitions= takes Daily("2026-01-01"), Static("eu", "us"), Dynamic("customers"), Product(…), or a '
        "source of Files(...)"
    )


def test_columns_are_read_of_tables_only(project: Project) -> None:
    body = """
        @asset
        def y() -> pl.DataFrame: ...
        @asset
        def n() -> int: ...
        @asset
        def x(y: Annotated[pl.DataFrame, In(columns=("b", "a"))]) -> int: ...
    """
    assert bound(project, body).inputs[0].edge.columns == ("b", "a")
    bad = (
        textwrap.dedent(body)
        + "@asset\ndef z(n: Annotated[int, In(columns=('a',))], y: Annotated[Any, In(columns='a')]): ..."
    )
    assert [error.message for error in written(project, bad).load().mistakes] == [
        "shop.z reads columns of shop.n, which gives int",
        "shop.z takes 'y' with columns='a', which is no list of names",
    ]


def test_cycles_are_told_with_the_place_of_each_asset(project: Project) -> None:
    body = """
        @asset
        def a(c: int) -> int: ...
        @asset
        def b(a: int) -> int: ...
        @asset
        def c(b: int) -> int: ...
        @asset
        def own(own: int) -> int: ...
        @asset
        def below(c: int) -> int: ...
    """
    assert written(project, body).mistakes() == (
        "error[cyclic-assets]: these assets wait for each other: shop.a → shop.b → shop.c → shop.a\n"
        "  shop.a   shop/a.py:4\n"
        "  shop.b   shop/a.py:6\n"
        "  shop.c   shop/a.py:8\n"
        "hint: remove one of these inputs, or move what both sides need into an asset of its own\n"
        "error[cyclic-assets]: this asset waits for itself: shop.own → shop.own\n"
        "  shop.own   shop/a.py:10\n"
        "hint: remove one of these inputs, or move what both sides need into an asset of its own"
    )


def test_functions_that_cannot_serve_are_refused(project: Project) -> None:
    body = """
        from pydantic import BaseModel
        class Row(BaseModel):
            a: int | str
        @asset
        def many(*inputs): ...
        @asset
        async def waiting(): yield 1
        @asset
        def marked(x: int = In()): ...
        @asset
        def rows() -> Annotated[pl.DataFrame, Row]: ...
        @multi_asset
        def both() -> tuple[int, int]: ...
        @multi_asset
        def bare(): ...
    """
    assert written(project, body).mistakes() == (
        "error[bad-signature]: shop.many takes *inputs, which cannot be filled by name\n"
        "  shop.many   shop/a.py:7\n"
        "hint: write each input as a parameter of its own\n"
        "error[bad-signature]: shop.waiting is an async generator, which yields values one by one\n"
        "  shop.waiting   shop/a.py:9\n"
        "hint: collect them in the function, and return them\n"
        "error[misplaced-marker]: shop.marked has In(...) as the default of 'x'\n"
        "  shop.marked   shop/a.py:11\n"
        "hint: write x: Annotated[T, In(...)]\n"
        "error[bad-row-model]: Row.a: int | str has no column type\n"
        "  shop.rows   shop/a.py:13\n"
        "hint: give it one type, or one type or None\n"
        "error[bad-outputs]: shop.both is a @multi_asset and must be annotated with the NamedTuple that it returns\n"
        "  shop.both   shop/a.py:15\n"
        "hint: class Split(NamedTuple): train: pl.DataFrame; test: pl.DataFrame\n"
        "error[bad-outputs]: shop.bare is a @multi_asset and must be annotated with the NamedTuple that it returns\n"
        "  shop.bare   shop/a.py:17\n"
        "hint: class Split(NamedTuple): train: pl.DataFrame; test: pl.DataFrame"
    )


def test_arguments_that_mean_nothing_are_refused_together(project: Project) -> None:
    body = """
        @asset(max_age="soon", retry=3, tags="pii", version=2, deps="raw", codec="pickle",
               deterministic=1, owners=[1], colour="red")
        def x() -> int: ...
        raw = source("raw")
        two = source("two", File("x"), observe=int)
        text = source("text", "x.csv")
        typed = source("typed", File("x.csv"), type="pl.DataFrame")
    """
    found = written(project, body).load().mistakes
    assert sorted(error.message for error in found) == [
        "shop.raw: a source is either at a place or observed by a function",
        "shop.text: 'x.csv' is no place of a source",
        "shop.two: a source is either at a place or observed by a function",
        "shop.typed: type='pl.DataFrame' is a text",
        "shop.x: 'soon' is not a duration",
        "shop.x: codec= must be a codec, got 'pickle'",
        "shop.x: deps= must be a list of assets, got 'raw'",
        "shop.x: deterministic= must be True or False, got 1",
        "shop.x: owners= must be a list of texts, got [1]",
        "shop.x: retry= must be a Retry, got 3",
        "shop.x: tags= must be a list of texts, got 'pii'",
        "shop.x: there is no argument 'colour'",
        "shop.x: version= must be a text, got 2",
    ]


def test_postponed_annotations_under_type_checking_and_local_models_work(project: Project) -> None:
    loaded = project(
        {
            "shop/a.py": """
                from __future__ import annotations
                from typing import TYPE_CHECKING
                from assetflow import asset
                if TYPE_CHECKING:
                    from decimal import Decimal

                @asset
                def price() -> Decimal: ...

                def made():
                    from dataclasses import dataclass

                    @dataclass
                    class Local:
                        a: int

                    @asset
                    def local(price: Decimal) -> Local: ...
                    return local

                LOCAL = made()
                import gc; gc.collect()  # the class of the annotation has no other user
            """
        }
    ).load()
    assert loaded.mistakes == ()
    assert loaded.graph.definitions[AssetKey("shop", "local")].type == "Local"
    assert loaded.bound[AssetKey("shop", "local")].inputs[0].hint.__name__ == "Decimal"

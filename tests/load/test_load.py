"""From modules to the graph: what a sound project becomes, and every mistake of a faulty one at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from assetflow.model.definition import Kind
from assetflow.model.keys import AssetKey
from assetflow.model.retry import Retry

Project = Callable[..., Any]


def key(text: str) -> AssetKey:
    return AssetKey.parse(text)


SHOP = """
    from __future__ import annotations
    from typing import NamedTuple, Annotated
    from assetflow import *

    class Api(Resource):
        url: str = "https://shop"

    raw = source("raw", File("data/raw.csv"), owners=["me"])

    @asset(retry=Retry(3), max_age="1h", tags=["money"], owners=["ann"], metadata={"unit": "EUR"})
    def total(raw, api: Api, ctx: Context, factor: float = 1.5) -> float:
        '''What came in.

        In all.
        '''
        return factor

    class Split(NamedTuple):
        train: int
        test: float

    @multi_asset
    def split(total: float) -> Split:
        return Split(1, total)

    @asset(deps=[raw, "total"])
    def report(train: int, other: Annotated[float, In(split["test"])]) -> None: ...
"""


def test_a_sound_project_becomes_nodes_and_definitions(project: Project) -> None:
    loaded = project({"shop/assets.py": SHOP}).load()
    assert loaded.mistakes == ()
    assert [str(each) for each in loaded.graph.order] == ["shop.raw", "shop.total", "shop.split", "shop.report"]
    total = loaded.graph.definitions[key("shop.total")]
    assert total.kind is Kind.ASSET
    assert total.type == "float"
    assert total.description == "What came in.\n\nIn all."
    assert total.owners == ("ann",)
    assert total.tags == ("money",)
    assert total.metadata == (("unit", '"EUR"'),)
    assert total.where == "shop/assets.py:10"
    assert [(each.name, each.value, each.origin) for each in total.parameters] == [("factor", "1.5", "default")]
    assert [(each.parameter, each.name, each.type) for each in total.resources] == [("api", "api", "Api")]
    train = loaded.graph.definitions[key("shop.train")]
    assert (train.kind, train.node, train.type) == (Kind.MULTI, key("shop.split"), "int")
    assert loaded.graph.definitions[key("shop.raw")].kind is Kind.SOURCE


def test_a_function_is_bound_to_all_that_it_takes(project: Project) -> None:
    loaded = project({"shop/assets.py": SHOP}).load()
    total = loaded.bound[key("shop.total")]
    assert [each.parameter for each in total.inputs] == ["raw"]
    assert total.context == "ctx"
    assert total.parameters == {"factor": 1.5}
    assert total.retry == Retry(3)
    assert loaded.graph.nodes[key("shop.total")].max_age == timedelta(hours=1)
    assert loaded.graph.nodes[key("shop.total")].reads_outside
    split = loaded.bound[key("shop.split")]
    assert split.multi
    assert [(str(each.key), each.hint) for each in split.outputs] == [("shop.train", int), ("shop.test", float)]
    report = loaded.graph.nodes[key("shop.report")]
    assert [(str(each.asset), each.parameter, each.loaded) for each in report.inputs] == [
        ("shop.raw", "", False),
        ("shop.test", "other", True),
        ("shop.total", "", False),
        ("shop.train", "train", True),
    ]
    assert [each.parameter for each in loaded.bound[key("shop.report")].inputs] == ["other", "train"]


def test_loading_twice_gives_the_same_graph(project: Project) -> None:
    written = project({"shop/assets.py": SHOP})
    first, second = written.load(), written.load()
    assert first.graph.nodes == second.graph.nodes
    assert first.graph.definitions == second.graph.definitions


def node(project: Project, body: str, **arguments: Any) -> Any:
    head = "from assetflow import *\nfrom typing import *\n"
    lines = "\n".join(line.removeprefix("    ") for line in body.splitlines())
    loaded = project({"shop/assets.py": head + lines}).load(**arguments)
    assert loaded.mistakes == ()
    return loaded.graph.nodes[key("shop.x")]


def test_what_has_no_effect_on_the_value_leaves_the_recipe_alone(project: Project) -> None:
    plain = node(project, "@asset\ndef x() -> int: return 1")
    told = node(
        project,
        "@asset(tags=['a'], owners=['b'], description='c', metadata={'d': 1}, retry=Retry(2), max_age='1h',"
        " deterministic=True)\ndef x() -> int: return 1",
    )
    assert plain.recipe.digest == told.recipe.digest
    assert plain.digest != told.digest  # max_age decides about freshness, beside the recipe


def test_each_value_argument_changes_the_recipe(project: Project) -> None:
    plain = node(project, "@asset\ndef x() -> int: return 1")
    others = [
        node(project, "@asset(version='2')\ndef x() -> int: return 1"),
        node(project, "@asset(version_includes=[3])\ndef x() -> int: return 1"),
        node(project, "from assetflow.store.codecs import Pickle\n@asset(codec=Pickle())\ndef x() -> int: return 1"),
        node(project, "@asset\ndef x() -> float: return 1"),
        node(project, "@asset\ndef x(k: int = 1) -> int: return 1"),
        node(project, "class R(Resource): pass\n@asset\ndef x(k: R) -> int: return 1"),
    ]
    assert len({each.recipe.digest for each in (plain, *others)}) == 1 + len(others)
    assert node(project, "@asset(version='2')\ndef x() -> int: return 1").recipe.declared == "2"


def test_a_declared_version_stands_for_all_code(project: Project) -> None:
    one = node(project, "@asset(version='2')\ndef x() -> int: return 1")
    two = node(project, "@asset(version='2')\ndef x() -> int: return 2")
    assert one.recipe.digest == two.recipe.digest


def test_renaming_an_input_or_the_context_is_no_change(project: Project) -> None:
    head = "y = source('y', File('y.txt'), type=str)\n"
    one = node(project, head + "@asset\ndef x(y: str, ctx: Context) -> str: return y + str(ctx)")
    two = node(project, head + "@asset\ndef x(z: Annotated[str, In(y)], c: Context) -> str: return z + str(c)")
    assert one.recipe.digest == two.recipe.digest


def test_how_a_source_is_read_counts_with_its_readers(project: Project) -> None:
    one = node(project, "y = source('y', File('y.txt'), type=str)\n@asset\ndef x(y) -> int: return 1")
    two = node(project, "y = source('y', File('y.txt'), type=bytes)\n@asset\ndef x(y) -> int: return 1")
    moved = node(project, "y = source('y', File('in/y.txt'), type=bytes)\n@asset\ndef x(y) -> int: return 1")
    assert one.recipe.digest != two.recipe.digest
    assert moved.recipe.digest == two.recipe.digest


def test_code_that_cannot_be_followed_is_a_warning_and_no_older_result_is_reused(project: Project) -> None:
    loaded = project(
        {"shop/assets.py": "from assetflow import *\nimport shop\n@asset\ndef x() -> int:\n    return eval('1')\n"}
    ).load()
    assert loaded.mistakes == ()
    assert [warning.code for warning in loaded.warnings] == ["not-tracked"]
    assert "shop/assets.py:5" in str(loaded.warnings[0])
    assert loaded.graph.nodes[key("shop.x")].reads_outside


FAULTY = """
    from typing import Annotated
    from assetflow import *

    class Api(Resource):
        url: str

    @asset
    def orders() -> int: ...
    @asset
    def unknown(ordrs: int) -> int: ...
    @asset
    def wrong_type(orders: str) -> int: ...
    @asset
    def one(two: int) -> int: ...
    @asset
    def two(one: int) -> int: ...
    @asset
    def resourceful(api: Api) -> int: ...
    @asset
    def limited(limit: int = 10) -> int: ...
    @asset(timeout="5m")
    def timed() -> int: ...
    @asset
    def unresolved(x: "Nowhere") -> int: ...
    @asset(name="orders")
    def again() -> int: ...
    @asset
    def shadowing(orders: int = 3) -> int: ...
    @asset
    def consequence(unknown: int, wrong_type: int) -> int: ...
"""


TOLD = """\
error[duplicate-key]: shop.orders is declared twice
  shop.orders   shop/assets.py:7
  shop.orders   shop/assets.py:25
hint: give one of them another name=, or another group=
error[unknown-input]: shop.unknown takes 'ordrs', and there is no such asset
  shop.unknown   shop/assets.py:9
hint: did you mean orders?
error[edge-type]: shop.wrong_type takes orders: str, but shop.orders gives int
  shop.wrong_type   shop/assets.py:11
  shop.orders       shop/assets.py:7
hint: int is not str
error[cyclic-assets]: these assets wait for each other: shop.one → shop.two → shop.one
  shop.one   shop/assets.py:13
  shop.two   shop/assets.py:15
hint: remove one of these inputs, or move what both sides need into an asset of its own
error[bad-resource]: api.url is missing; api.urll is no field of Api
  assetflow.toml: resources.api
  shop.resourceful   shop/assets.py:17
hint: did you mean url?
error[bad-parameter]: shop.limited takes limit: int, not 'many': Input should be a valid integer, unable to parse string as an integer
  assetflow.toml: parameters.limit
  shop.limited   shop/assets.py:19
error[not-there-yet]: shop.timed: timeout= is not supported yet
  shop.timed   shop/assets.py:21
hint: leave it out: a step runs as long as it runs
error[unresolved-annotation]: the annotations of unresolved cannot be resolved: x: Nowhere (name 'Nowhere' is not defined)
  shop.unresolved   shop/assets.py:23
hint: import the names that the annotations use, also under `if TYPE_CHECKING:`
error[parameter-names-asset]: shop.shadowing has a default for 'orders', so it is a run parameter, but shop.orders is an asset
  shop.shadowing   shop/assets.py:27
  shop.orders      shop/assets.py:7
hint: to read the asset, write orders: Annotated[T, In()] = …; else rename the parameter
error[module-does-not-import]: shop.broken does not import: ZeroDivisionError: division by zero
  shop.broken   shop/broken.py:3"""  # noqa: E501


def test_ten_kinds_of_mistakes_are_told_together_in_order_of_place(project: Project) -> None:
    written = project(
        {"shop/assets.py": FAULTY, "shop/broken.py": "import shop\n\nx = 1 / 0\n"},
        settings="[resources.api]\nurll = 'x'\n[parameters]\nlimit = 'many'\n",
    )
    assert written.mistakes() == TOLD
    codes = [error.code for error in written.load().mistakes]
    assert sorted(codes) == [
        "bad-parameter",
        "bad-resource",
        "cyclic-assets",
        "duplicate-key",
        "edge-type",
        "module-does-not-import",
        "not-there-yet",
        "parameter-names-asset",
        "unknown-input",
        "unresolved-annotation",
    ]
    loaded = written.load()
    assert [str(each) for each in loaded.graph.nodes] == ["shop.orders"]
    assert loaded.broken == ("shop.broken",)


def test_no_mistake_takes_more_than_six_lines(project: Project) -> None:
    written = project({"shop/assets.py": FAULTY, "shop/broken.py": "def f(:"})
    assert max(len(str(error).splitlines()) for error in written.load().mistakes) <= 6


def test_500_assets_from_a_loop_load(project: Project) -> None:
    body = """
        from assetflow import *

        def made(i):
            @asset(name=f"a{i}")
            def number(k: int = i) -> int:
                return i
            return number

        ASSETS = [made(i) for i in range(500)]
    """
    loaded = project({"shop/assets.py": body}).load()
    assert loaded.mistakes == ()
    assert len(loaded.graph.nodes) == 500
    assert json.loads(loaded.graph.definitions[key("shop.a7")].parameters[0].value) == 7


def test_assets_given_as_values_are_loaded_with_what_their_modules_hold(project: Project) -> None:
    from assetflow import asset
    from assetflow.load.load import load
    from assetflow.load.settings import find_settings

    written = project({"shop/assets.py": SHOP})
    written.load()
    from shop.assets import report  # type: ignore[import-not-found]

    @asset
    def local(train: int) -> int:
        return train

    settings = find_settings(written.path, environ={})
    loaded = load(settings, assets=[report])
    assert loaded.mistakes == ()
    assert key("shop.raw") in loaded.graph.nodes
    unknown = load(settings, assets=[local])
    assert [error.code for error in unknown.mistakes] == ["unknown-input"]


def test_loading_brings_no_table_library(project: Project) -> None:
    import subprocess
    import sys

    written = project({"shop/assets.py": SHOP})
    code = (
        "import sys, pathlib\nfrom assetflow.load.settings import find_settings\nfrom assetflow.load.load import load\n"
        f"loaded = load(find_settings(pathlib.Path({str(written.path)!r}), environ={{}}))\n"
        "import assetflow.load.sources\n"
        "heavy = {'pyarrow', 'networkx', 'duckdb', 'sqlalchemy', 'pandas', 'polars', 'numpy'}\n"
        "print(loaded.mistakes, heavy & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "() set()\n"

from __future__ import annotations

from typing import Any

from assetflow.model.definition import Input, Node
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.keysets import ONE, Listed
from assetflow.model.mappings import All, Same
from assetflow.model.partitioning import KeysOf
from assetflow.model.trace import Recipe, Trace
from assetflow.model.versions import ColumnVersion, DataVersion
from assetflow.plan import trace_of

RAW, REPORT = AssetKey("shop", "raw"), AssetKey("shop", "report")


def table(**columns: str) -> DataVersion:
    return DataVersion.of_table(2, [ColumnVersion(name, "int", content) for name, content in columns.items()])


def trace(versions: dict[str, DataVersion | None], *, key: str = "", **read: Any) -> Trace:
    edge = Input(**{"parameter": "raw", "asset": RAW, "mapping": All(), **read})
    node = Node(key=REPORT, outputs=(REPORT,), recipe=Recipe.of(code="1"), inputs=(edge,))
    return trace_of(
        node,
        key,
        lambda asset: Listed([key] if asset == REPORT else versions),
        lambda partition: versions[partition.key],
    )


def test_equal_inputs_give_equal_digests_and_other_data_another() -> None:
    assert trace({"": table(x="1")}).digest == trace({"": table(x="1")}).digest
    assert trace({"": table(x="1")}).digest != trace({"": table(x="2")}).digest


def test_only_the_columns_that_are_read_count() -> None:
    one, other = table(x="1", y="1"), table(x="1", y="2", z="3")
    assert trace({"": one}, columns=("x",)).digest == trace({"": other}, columns=("x",)).digest
    assert trace({"": one}, columns=("y",)).digest != trace({"": other}, columns=("y",)).digest
    assert trace({"": one}).digest != trace({"": other}).digest
    assert trace({"": one}, columns=()).digest == trace({"": other}, columns=()).digest


def test_a_member_without_a_version_leaves_the_trace_pending() -> None:
    pending = trace({"a": table(x="1"), "b": None})
    assert pending.digest is None
    assert pending.edges[0].count == 2


def test_which_key_holds_what_counts() -> None:
    one, two = table(x="1"), table(x="2")
    assert trace({"a": one, "b": two}).digest != trace({"a": two, "b": one}).digest
    assert trace({"a": one}).digest != trace({"b": one}).digest


def test_a_key_reads_its_own_member_only() -> None:
    versions = {"a": table(x="1"), "b": table(x="2")}
    changed = {**versions, "b": table(x="3")}
    assert trace(versions, key="a", mapping=Same()).digest == trace(changed, key="a", mapping=Same()).digest
    assert trace(versions, key="b", mapping=Same()).digest != trace(changed, key="b", mapping=Same()).digest


def test_how_an_input_is_read_counts() -> None:
    versions = {"": table(x="1")}
    digests = {
        trace(versions).digest,
        trace(versions, mapping=Same()).digest,
        trace(versions, columns=("x",)).digest,
        trace(versions, loaded=False, parameter="").digest,
    }
    assert len(digests) == 4


def test_a_parameters_name_does_not_count() -> None:
    versions = {"": table(x="1")}
    assert trace(versions, parameter="one").digest == trace(versions, parameter="two").digest


def test_what_a_cell_stands_for_counts() -> None:
    node = Node(key=REPORT, outputs=(REPORT,), recipe=Recipe.of(code="1"), partitioning=KeysOf(RAW))
    first, second = (trace_of(node, key, lambda _: Listed("ab"), lambda _: None) for key in ("a", "b"))
    assert first.digest != second.digest


def test_every_member_is_asked_for_in_order() -> None:
    asked: list[Partition] = []

    def version_of(partition: Partition) -> None:
        asked.append(partition)

    edge = Input(parameter="raw", asset=RAW, mapping=All())
    node = Node(key=REPORT, outputs=(REPORT,), recipe=Recipe.of(code="1"), inputs=(edge,))
    trace_of(node, "", lambda asset: ONE if asset == REPORT else Listed(("b", "a")), version_of)
    assert asked == [Partition(RAW, "b"), Partition(RAW, "a")]

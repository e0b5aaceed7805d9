"""One step: what its function is given, what it may say, and what becomes of what it returns."""

from __future__ import annotations

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assetflow.declare import In, asset
from assetflow.model.context import Context
from assetflow.model.event import Progressed
from assetflow.model.retry import Retry
from assetflow.resource import Resource, Secret
from assetflow.store.codecs import Pickle


def lines(workshop: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in workshop.log_lines().splitlines()]


def test_what_a_step_prints_and_logs_is_in_its_log_and_not_on_the_screen(
    bookshop: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    @asset
    def noisy(ctx: Context) -> int:
        print("printed")  # noqa: T201
        print("no end of line", end="", file=sys.stderr)  # noqa: T201
        logging.getLogger("their.library").info("logged %d", 7)
        ctx.log.debug("in detail")
        return 1

    bookshop.run(noisy)
    found = {(line["level"], line["text"]) for line in lines(bookshop)}
    assert found == {("INFO", "printed"), ("INFO", "no end of line"), ("INFO", "logged 7"), ("DEBUG", "in detail")}
    assert {(line["run"], line["asset"], line["key"], line["attempt"]) for line in lines(bookshop)} == {
        (1, "test_attempt.noisy", "", 1)
    }
    shown = capsys.readouterr()
    assert "printed" not in shown.out + shown.err


def test_each_step_on_threads_has_its_own_log(bookshop: Any) -> None:
    meet = threading.Barrier(2)

    def talking(name: str) -> Any:
        @asset(name=name, version="1")
        def one() -> int:
            meet.wait(5)
            print(f"this is {name}")  # noqa: T201
            meet.wait(5)
            return 1

        return one

    bookshop.run(talking("left"), talking("right"), jobs=2, executor="threads")
    assert {(line["asset"], line["text"]) for line in lines(bookshop)} == {
        ("test_attempt.left", "this is left"),
        ("test_attempt.right", "this is right"),
    }


def test_what_a_thread_of_the_only_running_step_prints_belongs_to_it(bookshop: Any) -> None:
    @asset(version="1")
    def starting() -> int:
        thread = threading.Thread(target=print, args=("from below",))
        thread.start()
        thread.join()
        return 1

    bookshop.run(starting)
    assert [line["text"] for line in lines(bookshop)] == ["from below"]


def test_after_a_run_streams_logging_and_breakpoints_are_as_before(bookshop: Any) -> None:
    before = (sys.stdout, sys.stderr, sys.breakpointhook, logging.root.level, list(logging.root.handlers))

    @asset
    def one() -> int:
        return 1

    bookshop.run(one)
    assert (sys.stdout, sys.stderr, sys.breakpointhook, logging.root.level, list(logging.root.handlers)) == before


def test_a_handler_of_the_users_that_raises_fails_the_step_with_its_error(bookshop: Any) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the log server is down")

    @asset(version="1")
    def logs() -> int:
        logger = logging.getLogger("test.broken")
        handler = Broken()
        logger.addHandler(handler)
        try:
            logger.error("x")
        finally:
            logger.removeHandler(handler)
        return 1

    ran = bookshop.run(logs)
    assert ran.failure("logs").message == "the log server is down"


def test_an_info_line_of_a_step_does_not_reach_handlers_that_had_a_higher_level(bookshop: Any) -> None:
    seen: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    handler = Collecting()
    logging.root.addHandler(handler)
    try:

        @asset(version="1")
        def logs() -> int:
            logging.getLogger("some.module").info("quiet")
            logging.getLogger("some.module").warning("loud")
            return 1

        bookshop.run(logs)
    finally:
        logging.root.removeHandler(handler)
    assert seen == ["loud"]
    assert [line["text"] for line in lines(bookshop)] == ["quiet", "loud"]


class Api(Resource):
    token: Secret = Secret("RUN_TEST_TOKEN")


def test_a_secret_lands_nowhere(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter2-of-run"
    monkeypatch.setenv("RUN_TEST_TOKEN", secret)

    @asset(version="1")
    def leaking(ctx: Context, api: Api) -> int:
        token = api.token.reveal()
        print("token", token)  # noqa: T201
        logging.getLogger("x").warning("token %s", token)
        ctx.metadata["token"] = token
        ctx.metadata[token] = "x"
        return 1

    @asset(version="1")
    def failing(api: Api) -> int:
        raise ValueError(f"bad token {api.token.reveal()}")

    ran = workshop.run(leaking, failing, resources={"api": Api()})
    assert ran.outcomes == {"leaking": "materialized", "failing": "failed"}
    stored = workshop.journal().stored([1])[1]
    everything = workshop.log_lines() + repr(ran.events) + repr(stored)
    assert secret not in everything
    assert "bad token ***" in everything


def test_metadata_is_recorded_as_json(workshop: Any) -> None:
    @asset
    def one(ctx: Context) -> int:
        ctx.metadata["rows"] = 3
        ctx.metadata["path"] = Path("x")
        return 1

    workshop.run(one)
    assert workshop.journal().stored([1])[1].metadata == (("path", '"x"'), ("rows", "3"))


def test_too_much_metadata_is_cut_with_a_note(workshop: Any) -> None:
    @asset
    def one(ctx: Context) -> int:
        ctx.metadata["large"] = list(range(1_000_000))
        ctx.metadata["small"] = 1
        return 1

    workshop.run(one)
    metadata = dict(workshop.journal().stored([1])[1].metadata)
    assert len(metadata["large"]) < 600_000
    assert "1 MB of metadata is the limit" in metadata["large"]


def test_metadata_that_cannot_be_written_fails_the_step_with_the_original_text(workshop: Any) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no text for you")

        __repr__ = __str__

    @asset(version="1")
    def one(ctx: Context) -> int:
        ctx.metadata["x"] = Hostile()
        return 1

    ran = workshop.run(one)
    assert ran.failure("one").message == "no text for you"
    assert not ran.finished["one"].versions


def counting(version: str, *, fails: bool = False) -> Any:
    @asset(version=version)
    def counter(ctx: Context) -> int:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        if fails:
            raise ValueError("after counting")
        return int(ctx.state["seen"])

    return counter


def test_state_starts_as_the_last_ones_and_is_dropped_with_a_failed_attempt(workshop: Any) -> None:
    workshop.run(counting("1"))
    workshop.run(counting("2", fails=True))
    workshop.run(counting("3"))
    assert workshop.value("counter") == 2


def test_a_stateful_step_is_not_reused(workshop: Any) -> None:
    for version in ("1", "2", "1"):
        workshop.run(counting(version))
    assert workshop.value("counter") == 3


def test_scratch_is_kept_over_attempts_and_removed_after(workshop: Any) -> None:
    found: list[bool] = []
    folders: list[Path] = []

    @asset(retry=Retry(2), version="1")
    def files(ctx: Context) -> int:
        folders.append(ctx.scratch)
        found.append((ctx.scratch / "part").exists())
        (ctx.scratch / "part").write_text("x")
        if len(found) == 1:
            raise TimeoutError
        return 1

    workshop.run(files)
    assert found == [False, True]
    assert not folders[0].exists()
    assert not list((workshop.folder / "scratch").iterdir())


def test_a_file_written_in_scratch_is_kept_as_the_value_and_read_by_others(workshop: Any) -> None:
    @asset
    def file(ctx: Context) -> Path:
        (ctx.scratch / "a.txt").write_text("hello")
        return ctx.scratch / "a.txt"

    @asset
    def text(file: Path) -> str:
        return file.read_text()

    ran = workshop.run(file, text)
    assert ran.outcomes == {"file": "materialized", "text": "materialized"}
    assert workshop.value("text") == "hello"


def test_the_duckdb_connection_reaches_nothing_outside(workshop: Any, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    path = str(tmp_path / "secret.csv")

    @asset(version="1")
    def inside(ctx: Context) -> int:
        return int(ctx.duckdb.sql("select 42").fetchall()[0][0])

    @asset(version="1")
    def outside(ctx: Context) -> int:
        return int(ctx.duckdb.sql(f"select a from '{path}'").fetchall()[0][0])

    ran = workshop.run(inside, outside)
    assert ran.outcomes == {"inside": "materialized", "outside": "failed"}


def test_tables_pass_from_library_to_library(workshop: Any) -> None:
    @asset
    def orders() -> pl.DataFrame:
        return pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})

    @asset
    def frame(orders: pd.DataFrame) -> pd.DataFrame:
        return orders[orders["a"] > 1].reset_index(drop=True)

    @asset
    def lazily(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.select("a")

    @asset
    def relation(ctx: Context, orders: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return orders.filter("a > 2")

    @asset
    def total(lazily: pa.Table, relation: pa.Table) -> list[int]:
        return [*lazily["a"].to_pylist(), *relation["a"].to_pylist()]

    ran = workshop.run(orders, frame, lazily, relation, total)
    assert set(ran.outcomes.values()) == {"materialized"}, ran.finished
    assert workshop.value("total") == [2, 3, 3]


def test_a_consumer_that_names_columns_gets_these_alone(workshop: Any) -> None:
    @asset
    def orders() -> pl.DataFrame:
        return pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})

    @asset
    def names(orders: Annotated[pl.DataFrame, In(columns=("b",))]) -> list[str]:
        return orders.columns

    workshop.run(orders, names)
    assert workshop.value("names") == ["b"]


def test_a_consumer_cannot_change_what_others_get(workshop: Any) -> None:
    @asset
    def numbers() -> list[int]:
        return [1]

    @asset
    def changing(numbers: list[int]) -> int:
        numbers.append(2)
        return len(numbers)

    @asset(deps=["changing"])
    def reading(numbers: list[int]) -> int:
        return len(numbers)

    workshop.run(numbers, changing, reading)
    assert workshop.value("reading") == 1


def test_a_stream_is_written_as_it_comes_and_read_as_a_table(workshop: Any) -> None:
    schema = pa.schema([("a", pa.int64())])

    def streaming(version: str) -> Any:
        @asset(version=version)
        def stream() -> pa.RecordBatchReader:
            batches = (pa.record_batch([pa.array([n] * 100)], schema=schema) for n in range(10))
            return pa.RecordBatchReader.from_batches(schema, batches)

        return stream

    @asset
    def rows(stream: pa.Table) -> int:
        return int(stream.num_rows)

    workshop.run(streaming("1"), rows)
    assert workshop.value("rows") == 1000
    ran = workshop.run(streaming("2"), rows)
    assert ran.outcomes == {"stream": "unchanged", "rows": "kept"}
    assert len(list(workshop.values.store.names())) == 1


def test_a_value_of_a_declared_codec_is_given_to_readers_as_it_is_loaded(workshop: Any) -> None:
    @asset(codec=Pickle())
    def thing() -> complex:
        return 1 + 2j

    @asset
    def real(thing: complex) -> float:
        return thing.real

    workshop.values.codecs = (Pickle(),)
    workshop.run(thing, real)
    assert workshop.value("real") == 1.0


def test_an_int_for_a_float_is_converted(workshop: Any) -> None:
    @asset
    def share() -> float:
        return 1

    @asset
    def kind(share: float) -> str:
        return type(share).__name__

    workshop.run(share, kind)
    assert workshop.value("kind") == "float"


def test_what_was_made_elsewhere_is_recorded_with_its_hash(workshop: Any) -> None:
    @asset
    def publish(ctx: Context) -> None:
        ctx.record("s3://bucket/report", "abc")

    workshop.run(publish)
    stored = workshop.journal().stored([1])[1]
    assert stored.uri == "s3://bucket/report"
    assert stored.blob is None


def test_progress_is_told(workshop: Any) -> None:
    @asset
    def long(ctx: Context) -> int:
        ctx.progress(1, 2)
        return ctx.run.id

    ran = workshop.run(long)
    assert [(e.done, e.total) for e in ran.events if isinstance(e, Progressed)] == [(1, 2)]


def test_a_damaged_input_fails_the_step_as_infrastructure(workshop: Any) -> None:
    @asset
    def large() -> str:
        return "x" * 10_000

    def reader(version: str) -> Any:
        @asset(version=version)
        def small(large: str) -> int:
            return len(large)

        return small

    workshop.run(large, reader("1"))
    (name,) = workshop.values.store.names()
    workshop.values.store.delete(name)
    ran = workshop.run(large, reader("2"))
    assert ran.failure("small").kind == "infrastructure"


def test_a_step_that_logs_nothing_has_no_file(bookshop: Any) -> None:
    @asset
    def quiet() -> int:
        return 1

    bookshop.run(quiet)
    assert not (bookshop.folder / "logs").exists()

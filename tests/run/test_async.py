"""Async functions and resources: awaited on one loop, recorded as others are, cancelled when the run is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import pytest

from assetflow import Context, Resource, Retry, Skip, asset, multi_asset
from assetflow.errors import Mistakes
from assetflow.project import materialize
from assetflow.testing import ProjectForTests

events: list[str] = []


@pytest.fixture(autouse=True)
def _empty() -> None:
    events.clear()


class Client(Resource):
    """Belongs to the loop that it was opened on, as clients of async libraries do."""

    name: str = "client"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Session]:
        session = Session(self.name)
        events.append(f"open {self.name}")
        yield session
        session.same_loop()
        events.append(f"close {self.name}")


class Plain(Resource):
    @contextmanager
    def open(self) -> Iterator[Plain]:
        events.append("open plain")
        yield self
        events.append("close plain")


class Session:
    def __init__(self, name: str) -> None:
        self.name = name
        self.loop = asyncio.get_running_loop()

    def same_loop(self) -> None:
        assert asyncio.get_running_loop() is self.loop

    async def get(self, number: int) -> int:
        self.same_loop()
        await asyncio.sleep(0)
        return number * 2


@asset
async def first(client: Client) -> int:
    """Awaits a client."""
    return await client.get(1)


@asset
async def second(first: int, client: Client, plain: Plain) -> int:
    return await client.get(first)


@asset
def third(second: int) -> float:
    return float(second)


def test_async_functions_are_awaited_and_checked_as_others_are() -> None:
    result = materialize([third])
    assert result.ok
    assert (result[first], result[second], result[third]) == (2, 4, 4.0)


def test_async_resources_are_opened_once_on_one_loop_and_closed_in_reverse_with_the_others() -> None:
    materialize([third])
    assert events == ["open client", "open plain", "close plain", "close client"]


def test_an_async_resource_is_closed_after_a_failure() -> None:
    @asset
    async def broken(client: Client) -> int:
        raise ValueError(await client.get(1))

    result = materialize([broken])
    assert not result.ok
    assert result.steps[0].failure is not None
    assert result.steps[0].failure.type == "ValueError"
    assert "run/loop.py" not in result.steps[0].failure.traceback
    assert events == ["open client", "close client"]


def test_a_fake_may_be_async_too() -> None:
    class Fake:
        async def __aenter__(self) -> Session:
            return Session("fake")

        async def __aexit__(self, *error: object) -> None:
            events.append("close fake")

        async def get(self, number: int) -> int:
            raise AssertionError("what entering gives is used, not this")

    class FakeClient(Client):
        @asynccontextmanager
        async def open(self) -> AsyncIterator[Session]:
            async with Fake() as session:
                yield session

    assert materialize([first], resources={"client": FakeClient()})[first] == 2
    assert events == ["close fake"]


class Pair(NamedTuple):
    low: int
    high: int


@multi_asset
async def pair() -> Pair:
    await asyncio.sleep(0)
    return Pair(1, 2)


def test_a_multi_asset_may_be_async() -> None:
    result = materialize([pair])
    assert (result["low"], result["high"]) == (1, 2)


def test_a_value_of_the_wrong_type_fails_the_step_as_data() -> None:
    @asset
    async def wrong() -> int:
        return "text"  # type: ignore[return-value]

    failure = materialize([wrong]).steps[0].failure
    assert failure is not None
    assert (failure.kind, failure.type) == ("data", "ValueMismatch")


def test_skip_retries_and_metadata_work_in_async_functions(assetflow_project: ProjectForTests) -> None:
    tries: list[int] = []

    @asset(retry=Retry(3))
    async def flaky(ctx: Context) -> int:
        tries.append(1)
        await asyncio.sleep(0)
        if len(tries) < 3:
            raise TimeoutError("not yet")
        ctx.metadata["tries"] = len(tries)
        return len(tries)

    @asset
    async def skipping(flaky: int) -> int:
        await asyncio.sleep(0)
        raise Skip("nothing new")

    result = assetflow_project.use(flaky, skipping).materialize()
    assert {str(s.outcome) for s in result.steps} == {"materialized", "skipped"}
    assert assetflow_project.load(flaky) == 3
    assert assetflow_project.clock.slept


def test_what_steps_print_and_log_stays_with_each_of_them(assetflow_project: ProjectForTests) -> None:
    def talking(name: str) -> object:
        @asset(name=name)
        async def talks(ctx: Context) -> str:
            for _ in range(20):
                print(name)  # noqa: T201
                ctx.log.info(name)
                await asyncio.sleep(0.001)
            return name

        return talks

    names = [f"talker{number}" for number in range(4)]
    project = assetflow_project.use(*map(talking, names))
    result = project.materialize(jobs=4, executor="threads")
    assert result.ok
    lines = list(project.project().past.log_lines("last", None, None))
    assert len(lines) == 4 * 40
    assert all(line["text"] == line["step"].rpartition(".")[2] for line in lines)


def test_steps_that_wait_wait_together(assetflow_project: ProjectForTests) -> None:
    meeting: set[str] = set()

    def arriving(name: str) -> object:
        @asset(name=name)
        async def arrives() -> bool:
            meeting.add(name)
            for _ in range(2000):
                if len(meeting) == 3:
                    return True
                await asyncio.sleep(0.005)
            return False

        return arrives

    project = assetflow_project.use(*map(arriving, "abc"))
    result = project.materialize(jobs=3, executor="threads")
    assert all(project.load(name) for name in "abc")
    assert result.ok


def test_a_step_that_leaves_by_sys_exit_fails_alone() -> None:
    @asset
    async def leaving() -> int:
        raise SystemExit(3)

    @asset
    async def staying() -> int:
        return 1

    result = materialize([leaving, staying])
    assert result[staying] == 1
    failure = next(s.failure for s in result.steps if s.failure)
    assert failure.type == "SystemExit"


def test_calling_an_async_asset_is_calling_its_function() -> None:
    @asset
    async def doubled(number: int) -> int:
        return number * 2

    assert asyncio.run(doubled(2)) == 4


def test_an_async_generator_is_refused_with_what_to_do() -> None:
    @asset
    async def yields() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(Mistakes) as refused:
        materialize([yields])
    assert refused.value.code == "bad-signature"
    assert "async generator" in refused.value.message


def test_without_anything_async_no_thread_is_begun_for_it() -> None:
    @asset
    def plain() -> list[str]:
        return [thread.name for thread in threading.enumerate()]

    assert "assetflow-loop" not in materialize([plain])[plain]

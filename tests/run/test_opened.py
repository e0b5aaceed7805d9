"""Resources: opened once, on first use, and closed in reverse whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from assetflow.declare import asset
from assetflow.resource import Resource
from assetflow.run.loop import EventLoop
from assetflow.run.opened import OpenedResources

log: list[str] = []


class First(Resource):
    @contextmanager
    def open(self) -> Iterator[Any]:
        log.append("open first")
        yield "first"
        log.append("close first")


class Second(Resource):
    broken: bool = False

    @contextmanager
    def open(self) -> Iterator[Any]:
        log.append("open second")
        if self.broken:
            raise ConnectionError("no second")
        yield "second"
        log.append("close second")


@asset(version="1")
def uses_both(first: First, second: Second) -> str:
    log.append(f"use {first} {second}")
    return "x"


@asset(version="1")
def uses_one(first: First, uses_both: str) -> str:
    log.append(f"use {first}")
    raise ValueError("after use")


def test_resources_are_opened_once_on_first_use_and_closed_in_reverse_after_a_failure_too(bookshop: Any) -> None:
    log.clear()
    bookshop.run(uses_both, uses_one, resources={"first": First(), "second": Second()})
    assert log == ["open first", "open second", "use first second", "use first", "close second", "close first"]


def test_a_resource_that_does_not_open_fails_its_step_and_what_is_open_is_closed(bookshop: Any) -> None:
    log.clear()
    ran = bookshop.run(uses_both, uses_one, resources={"first": First(), "second": Second(broken=True)})
    assert ran.failure("uses_both").kind == "transient"
    assert log == ["open first", "open second", "close first"]


def test_a_resource_that_does_not_close_is_reported_and_the_others_are_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed: list[str] = []

    class Stubborn:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> str:
            return self.name

        def __exit__(self, *error: object) -> None:
            closed.append(self.name)
            raise OSError("will not")

    opened = OpenedResources({"a": Stubborn("a"), "b": Stubborn("b")}, EventLoop())
    assert (opened.get("a"), opened.get("b")) == ("a", "b")
    opened.close()
    assert closed == ["b", "a"]
    assert "resource a could not be closed" in caplog.text


def test_a_plain_object_is_given_as_it_is() -> None:
    plain = object()
    opened = OpenedResources({"plain": plain}, EventLoop())
    assert opened.get("plain") is plain
    opened.close()


def test_two_threads_that_ask_together_open_once() -> None:
    entered: list[int] = []

    class Slow:
        def __enter__(self) -> Slow:
            time.sleep(0.02)
            entered.append(1)
            return self

        def __exit__(self, *error: object) -> None:
            pass

    opened = OpenedResources({"slow": Slow()}, EventLoop())
    threads = [threading.Thread(target=opened.get, args=("slow",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert entered == [1]

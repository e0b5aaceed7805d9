"""What type checkers see. Checked by mypy in ``test_public_types.py``; never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple, assert_type

from assetflow import Asset, File, MultiAsset, Resource, Retry, Secret, Source, asset, multi_asset, source
from assetflow.declare import AssetDecorator, Output
from assetflow.project import Project


class Split(NamedTuple):
    train: int
    test: str


@asset
def bare(orders: list[float], factor: float = 1.0) -> float:
    return sum(orders) * factor


@asset(retry=Retry(3), owners=["ann"])
def told(a: int, *, b: str = "") -> dict[str, int]:
    return {b: a}


patient = asset.using(retry=Retry(3))


@patient
def slow(x: int) -> str:
    return str(x)


@patient(name="other")
def named(x: int) -> bytes:
    return bytes(x)


@multi_asset
def split(features: int) -> Split:
    return Split(features, "")


@multi_asset(tags=["ml"])
def halves(features: int) -> Split:
    return Split(features, "")


assert_type(bare([1.0]), float)
assert_type(bare([1.0], factor=2), float)
assert_type(told(1, b="x"), dict[str, int])
assert_type(slow(1), str)
assert_type(named(1), bytes)
assert_type(split(1), Split)
assert_type(halves(1).test, str)
assert_type(split["train"], Output)
assert_type(patient, AssetDecorator)
assert_type(source("raw", File("x.csv")), Source)

keeps: Callable[[int], str] = slow
wider: Asset[[int], object] = slow
multi: MultiAsset[[int], Split] = split

bare("text")  # type: ignore[arg-type]
bare([1.0], facto=2)  # type: ignore[call-arg]
told(1, "x")  # type: ignore[call-arg]
asset(onwers=["ann"])  # type: ignore[call-overload]
asset(retry=3)  # type: ignore[call-overload]
asset.using(onwers=["ann"])  # type: ignore[call-arg]
multi_asset(nothing=3)  # type: ignore[call-overload]


class Api(Resource, max_concurrent=4, rate="80/min"):
    url: str
    token: Secret = Secret("TOKEN")


api = Api(url="x")
assert_type(api.url, str)
assert_type(api.token.reveal(), str)


class Client(Resource):
    @contextmanager
    def open(self) -> Iterator[Client]:
        yield self


class Waiter(Resource):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Waiter]:
        yield self


with Client().open() as opened:
    assert_type(opened, Client)


@asset
async def awaited(waiter: Waiter) -> int:
    return 1


def of_a_coroutine(project: Project) -> None:
    assert_type(project.load(awaited), int)

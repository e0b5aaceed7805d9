"""The laws of checks, under random histories of data, checks, severities and reverts, against plain loops.

1. Nothing is current that a blocking check of its time failed.
2. What is called fresh passes all blocking checks of today; what is called degraded does not.
3. A function is called only when its own inputs or its version changed since it last gave these, and never for a check.
   Values that were held back are the exception: of these only the last one waits to be taken.
4. A second run has nothing to do, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
from hypothesis import given, settings

from assetflow import asset, check, in_range
from assetflow.catalog import Catalog
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import State
from assetflow.project import Project
from assetflow.store.memory import MemoryStore

FOLDER = TemporaryDirectory()
#: Catalog and store are in memory; logs are not.
HERE = Settings(root=Path(FOLDER.name), catalog="", store=f"{FOLDER.name}/store")


@dataclass(frozen=True)
class Day:
    """How the project is written, and what the world gives, on one day."""

    amounts: tuple[int, ...] = (1, 2)
    customers: tuple[int, ...] = (1, 2, 3)
    #: Bounds of the ready-made check, and whether it blocks; None: there is no such check.
    most: int | None = 3
    blocks: bool = True
    #: The function: every amount is a customer.
    known: bool = True
    known_blocks: bool = True

    def fails(self, amounts: tuple[int, ...], customers: tuple[int, ...]) -> bool:
        """Whether a blocking check of this day fails."""
        too_large = self.most is not None and self.blocks and any(amount > self.most for amount in amounts)
        stray = self.known and self.known_blocks and any(amount not in customers for amount in amounts)
        return too_large or stray


class Team:
    """A project that is edited, with its catalog and store in memory."""

    def __init__(self) -> None:
        self.catalog, self.store = Catalog.open("sqlite://", create=True), MemoryStore()
        self.calls: list[tuple[str, Any]] = []
        #: The amounts that were current at some time. Of others, only the last held back is kept in mind.
        self.seen: set[tuple[int, ...]] = set()

    def project(self, day: Day) -> Project:
        calls = self.calls
        ready = [] if day.most is None else [in_range("x", max=day.most, severity="block" if day.blocks else "warn")]

        @asset(group="law", version=str(day.customers))
        def customers() -> pa.Table:
            calls.append(("customers", day.customers))
            return pa.table({"id": day.customers})

        @asset(group="law", version=str(day.amounts), checks=ready)
        def orders() -> pa.Table:
            calls.append(("orders", day.amounts))
            return pa.table({"x": day.amounts})

        @asset(group="law", version="1")
        def total(orders: pa.Table) -> int:
            calls.append(("total", tuple(orders["x"].to_pylist())))
            return sum(orders["x"].to_pylist())

        declared: list[Any] = [customers, orders, total]
        if day.known:

            @check(orders, version="1", severity="block" if day.known_blocks else "warn")
            def known(orders: pa.Table, customers: pa.Table) -> bool:
                return set(orders["x"].to_pylist()) <= set(customers["id"].to_pylist())

            declared.append(known)
        return Project(HERE, loader=lambda: load(HERE, assets=declared), store=self.store, catalog=self.catalog)


days = st.builds(
    Day,
    amounts=st.sampled_from([(1, 2), (1, 4), (2, 5), (3,)]),
    customers=st.sampled_from([(1, 2, 3), (1, 2, 3, 4), (1, 2, 3, 4, 5)]),
    most=st.sampled_from([None, 3, 4, 9]),
    blocks=st.booleans(),
    known=st.booleans(),
    known_blocks=st.booleans(),
)
FIELDS = ["amounts", "customers", "most", "blocks", "known", "known_blocks"]


@given(first=days, others=st.lists(st.tuples(days, st.integers(0, 2**16)), max_size=7))
@settings(max_examples=60)
def test_every_history_keeps_the_laws(first: Day, others: list[tuple[Day, int]]) -> None:
    team, day = Team(), first
    past = [first]
    live(team, day)
    for other, number in others:
        choose = Random(number)
        if choose.random() < 0.2:
            day = choose.choice(past)
        else:
            name = choose.choice(FIELDS)
            day = replace(day, **{name: getattr(other, name)})
        past.append(day)
        live(team, day)


def live(team: Team, day: Day) -> None:
    before = current(team, day)
    made = dict.fromkeys(team.calls)
    team.calls.clear()
    team.project(day).materialize()
    for call in team.calls:
        unseen = call[0] == "orders" and (call[1] not in team.seen or day.fails(call[1], day.customers))
        assert call not in made or unseen, "law 3"
    team.calls[:0] = made
    after = current(team, day)
    if after is not None:
        team.seen.add(after)
    if after is not None and after != before:
        assert not day.fails(after, day.customers), "law 1"
    project = team.project(day)
    state = {str(each.key): each.state for each in project.status()}["law.orders"]
    if state is State.FRESH:
        assert after == day.amounts, "law 2"
        assert not day.fails(after, day.customers), "law 2"
    elif state is State.DEGRADED:
        assert after == day.amounts, "law 2"
        assert day.fails(after, day.customers), "law 2"
    else:
        assert state is State.HELD
        assert day.fails(day.amounts, day.customers), "law 2"
    assert project.plan().steps == (), "law 4"


def current(team: Team, day: Day) -> tuple[int, ...] | None:
    with team.catalog.view("main") as view:
        found = view.current().get(Partition(AssetKey("law", "orders")))
    return None if found is None else tuple(team.project(day).load("law.orders")["x"].to_pylist())

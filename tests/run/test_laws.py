"""Whatever fails, is skipped or loses its lease: what is recorded in the end is what a naive model says."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetflow.declare import asset
from assetflow.model.context import Skip
from assetflow.model.journal import Finished, RunStatus


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[set[int]], set[int], set[int], set[int]]:
    """What each step reads, which steps fail, which skip, and at which commits a random lease is lost."""
    size = draw(st.integers(1, 7))
    reads = [draw(st.sets(st.integers(0, step - 1), max_size=3)) if step else set() for step in range(size)]
    some = st.sets(st.integers(0, size - 1), max_size=2)
    return reads, draw(some), draw(some), draw(st.sets(st.integers(0, 5), max_size=3))


def declared(step: int, reads: set[int], *, fails: bool, skips: bool) -> Any:
    parameters = ", ".join(f"s{read}: int" for read in sorted(reads))
    total = " + ".join(["1", *(f"s{read}" for read in sorted(reads))])
    body = "raise ValueError" if fails else "raise Skip('no')" if skips else f"return {total}"
    names: dict[str, Any] = {"Skip": Skip}
    exec(f"def s{step}({parameters}) -> int: {body}", names)
    return asset(version="1")(names[f"s{step}"])


def naive(reads: list[set[int]], fails: set[int], skips: set[int]) -> tuple[dict[str, str], dict[str, int]]:
    outcomes: dict[str, str] = {}
    values: dict[str, int] = {}
    for step, needed in enumerate(reads):
        name = f"s{step}"
        if any(f"s{read}" not in values for read in needed):
            outcomes[name] = "not_run"
        elif step in fails:
            outcomes[name] = "failed"
        elif step in skips:
            outcomes[name] = "skipped"
        else:
            outcomes[name], values[name] = "materialized", 1 + sum(values[f"s{read}"] for read in needed)
    return outcomes, values


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds(), st.sampled_from(["inline", "threads"]))
def test_a_run_ends_as_the_naive_model_says(
    bookshop_in: Any, world: tuple[list[set[int]], set[int], set[int], set[int]], executor: str
) -> None:
    reads, fails, skips, losses = world
    with tempfile.TemporaryDirectory() as folder:
        shop = bookshop_in(Path(folder))
        commits = iter(range(10_000))

        def before(finished: Sequence[Finished]) -> None:
            if next(commits) in losses:
                lost = finished[len(finished) // 2].attempt
                shop.book.leases = {o: lease for o, lease in shop.book.leases.items() if lease[1] != lost}

        shop.book.before_commit = before
        assets = [declared(step, needed, fails=step in fails, skips=step in skips) for step, needed in enumerate(reads)]
        ran = shop.run(*assets, executor=executor, jobs=2)
        outcomes, values = naive(reads, fails, skips)
        assert ran.outcomes == outcomes
        assert {p.asset.name: shop.value(p.asset.name) for p in shop.book.current} == values
        assert sum(ran.end.counts.values()) == len(reads)
        assert ran.status is (RunStatus.FAILED if "failed" in outcomes.values() else RunStatus.SUCCEEDED)
        assert not shop.book.leases
        assert set(ran.finished) == set(outcomes)

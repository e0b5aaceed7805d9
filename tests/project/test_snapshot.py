"""What a plan reads of the catalog does not grow with what happened to other assets."""

from __future__ import annotations

import pytest

from assetflow import asset
from assetflow.project import snapshot
from assetflow.testing import ProjectForTests


@asset
def calm() -> int:
    return 1


@asset
def busy() -> int:
    return 2


def revisions(project: ProjectForTests) -> dict[str, int]:
    with project.project().reading.view("main") as view:
        return {key.name: memo.revision for key, memo in view.memos().items()}


def test_memos_that_still_hold_are_moved_on_once_in_a_while(
    assetflow_project: ProjectForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_FAR", 5)
    project = assetflow_project.use(calm, busy)
    project.materialize()
    project.materialize()
    first = revisions(project)["calm"]
    for _ in range(3):
        project.materialize("busy", force=True)
    assert revisions(project)["calm"] == first
    for _ in range(3):
        project.materialize("busy", force=True)
    assert revisions(project)["calm"] >= first + 5
    assert project.materialize().run is None

"""What a notebook shows: ``_repr_html_``, with every text of the user escaped."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from assetflow import asset
from assetflow.testing import ProjectForTests


@asset
def numbers() -> list[int]:
    return [1, 2, 3]


@asset
def total(numbers: list[int]) -> int:
    raise ValueError("<script>alert(1)</script> & more")


class Text(HTMLParser):
    """The text of balanced HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        assert tag in {"div", "p", "b", "table", "tr", "td", "th", "pre"}
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def shown(value: Any) -> list[str]:
    return Text(value._repr_html_()).said


def test_plans_results_explanations_and_lineages_show_themselves(assetflow_project: ProjectForTests) -> None:
    assetflow_project.use(numbers, total)
    plan = shown(assetflow_project.plan())
    assert plan[:4] == ["2 steps, 0 fresh, in main", "step", "will", "because"]
    assert plan[5:7] == ["run", "no value yet"]

    result = shown(assetflow_project.materialize())
    assert result[0].startswith("run 1 failed in ")
    assert "ValueError: <script>alert(1)</script> & more" in result

    project = assetflow_project.project()
    explanation = shown(project.explain("total"))
    assert "total is failed" in explanation[0]
    (lineage,) = shown(project.lineage("total"))
    assert lineage == str(project.lineage("total"))
    assert lineage.splitlines()[1].startswith("└─ ")
    assetflow_project.materialize("numbers")
    assert shown(assetflow_project.materialize("numbers")) == ["nothing to do"]

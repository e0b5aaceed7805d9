"""The reference says what the code does: each command, error, setting, JSON shape and public name is there."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import assetflow
import assetflow.project
import assetflow.testing
from assetflow.cli.main import run
from assetflow.load.settings import EnvironmentSettings, Settings
from tests.docs import reference

#: Codes of one word, which no pattern can tell from other words: see assetflow/cli/main.py.
PLAIN_CODES = {"internal", "io"}

#: Settings that are found, not set.
FOUND = {"root", "file", "origins"}

#: Whose keys are the user's.
OPEN = "…"


def test_the_commands_page_is_what_the_command_line_says_of_itself() -> None:
    written = reference.COMMANDS.read_text(encoding="utf-8")
    assert written == reference.commands(), "run: python tests/docs/reference.py"


def test_every_error_code_has_a_heading_and_every_heading_a_code() -> None:
    codes, headings = {*reference.error_codes(), *PLAIN_CODES}, reference.headings("errors.md", level=3)
    assert {c: reference.error_codes().get(c) for c in codes - set(headings)} == {}, "codes without a heading"
    assert set(headings) - codes == set(), "headings without a code"
    assert len(headings) == len(set(headings))


def test_every_setting_has_a_heading() -> None:
    settings = {f.name for kind in (Settings, EnvironmentSettings) for f in dataclasses.fields(kind)} - FOUND
    headings = {h for h in reference.headings("settings.md") if not h.startswith("ASSETFLOW_")}
    assert settings == headings


def test_every_variable_that_is_read_has_a_heading() -> None:
    read = {
        name
        for path in (reference.ROOT / "assetflow").rglob("*.py")
        for name in re.findall(r'"(ASSETFLOW_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert read == {h for h in reference.headings("settings.md") if h.startswith("ASSETFLOW_")}


@pytest.mark.parametrize("module", [assetflow, assetflow.project, assetflow.testing], ids=lambda m: m.__name__)
def test_every_public_name_is_described(module: Any) -> None:
    page = (reference.REFERENCE / "python.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {module.__name__}\n", 1)[1].split("\n## ", 1)[0]
    described = re.findall(r"^\| `(\w+)`", section, re.MULTILINE)
    assert sorted(described) == sorted(module.__all__)


#: Each command of docs/reference/json.md, as it is run here on the project below.
SHOWN = {
    "list": ["list"],
    "validate": ["validate"],
    "status": ["status"],
    "partitions": ["partitions", "good"],
    "partitions --by": ["partitions", "cell", "--by", "shop"],
    "partitions add": ["partitions", "add", "guests", "ann"],
    "plan": ["plan"],
    "materialize": ["materialize"],
    "check": ["check"],
    "explain": ["explain", "good"],
    "history": ["history", "good"],
    "lineage": ["lineage", "bad"],
    "lineage of columns": ["lineage", "bad", "--columns"],
    "impact": ["impact", "raw"],
    "contracts": ["contracts"],
    "contracts check": ["contracts", "check"],
    "contracts check --base": ["contracts", "check", "--base", "base.json"],
    "lineage of a version": ["lineage", "good:v1"],
    "show": ["show", "good"],
    "runs": ["runs"],
    "runs show": ["runs", "show", "1"],
    "query": ["query", "select 1 as one"],
    "logs": ["logs", "1"],
    "cat": ["cat", "good"],
    "diff": ["diff", "good:v1", ":v1"],
    "gc": ["gc", "--older", "0s", "--dry-run"],
    "config show": ["config", "show"],
    "doctor": ["doctor"],
    "catalog verify": ["catalog", "verify"],
    "catalog backup": ["catalog", "backup", "copy.db"],
    "init": ["init", "other"],
    "errors": ["show", "nothing"],
}

PROJECT = """
from assetflow import Context, Contract, Dynamic, File, Product, Static, asset, product, source

raw = source("raw", File("raw.txt"))
jsonshapes = product("jsonshapes", exposes=["good"])


@asset(contract=Contract("1.0", freshness="0s"))
def good(ctx: Context, raw: object, factor: int = 1) -> str:
    ctx.log.info("made")
    ctx.metadata["lines"] = 1
    return "x"


@asset
def bad(good: str) -> str:
    raise ValueError("no")


@asset
def below(bad: str) -> str:
    return bad


@asset(partitions=Product(shop=Static("north"), kind=Static("new")))
def cell() -> str:
    return "z"


@asset(partitions=Dynamic("guests"))
def guest() -> str:
    return "g"
"""


def objects(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What each command prints: after a run with a failure, and a change of the code."""
    (folder / "assetflow.toml").write_text('modules = ["jsonshapes"]\n')
    (folder / "raw.txt").write_text("raw")
    (folder / "jsonshapes.py").write_text(PROJECT)
    found = {"materialize": printed(["materialize"], folder, capsys)}
    run(["contracts", "export", "--to", str(folder / "base.json"), "-C", str(folder)])
    base = (folder / "base.json").read_text()
    (folder / "base.json").write_text(base.replace('"freshness_seconds": 0.0', '"freshness_seconds": -1.0'))
    (folder / "jsonshapes.py").write_text(PROJECT.replace('return "x"', 'return "y"'))
    for name, words in SHOWN.items():
        if name not in found:
            found[name] = printed(words, folder, capsys)
    return found


def printed(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    words = [str(folder / word) if word == "copy.db" else word for word in words]
    capsys.readouterr()
    run([*words, "-C", str(folder), "--json"])
    return json.loads(capsys.readouterr().out.split("\n")[0])


def test_every_json_object_has_the_documented_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documented = shapes()
    assert set(documented) == set(SHOWN)
    wrong = {
        name: list(differences(documented[name], value, ""))
        for name, value in objects(tmp_path, capsys).items()
        if list(differences(documented[name], value, ""))
    }
    assert wrong == {}


def shapes() -> dict[str, Any]:
    """The shape under each heading of json.md, as nested dicts and lists; None is any plain value."""
    page = (reference.REFERENCE / "json.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## ([^\n]+)\n.*?^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return {title: parsed(re.findall(r"[\w…]+|[\[\]{}:,]", text)) for title, text in sections}


def parsed(tokens: list[str]) -> Any:
    token = tokens.pop(0)
    if token == "[":
        inner = parsed(tokens)
        tokens.pop(0)
        return [inner]
    if token != "{":
        return None
    fields: dict[str, Any] = {}
    while tokens[0] != "}":
        name = tokens.pop(0)
        if name == ",":
            continue
        fields[name] = None
        if tokens[0] == ":":
            tokens.pop(0)
            fields[name] = parsed(tokens)
    tokens.pop(0)
    return fields


def differences(shape: Any, value: Any, place: str) -> Iterator[str]:
    """Where a value has other keys than the shape. Null may stand for an object that is not there."""
    match shape, value:
        case {}, dict() if OPEN in shape:
            pass
        case dict(), dict():
            yield from (f"{place}.{name} is not documented" for name in value.keys() - shape.keys())
            yield from (f"{place}.{name} is not there" for name in shape.keys() - value.keys())
            for name in shape.keys() & value.keys():
                yield from differences(shape[name], value[name], f"{place}.{name}")
        case [inner], list():
            for each in value:
                yield from differences(inner, each, f"{place}[]")
        case None, dict() if place:
            yield f"{place} is an object: {', '.join(value)}"
        case dict() | list(), None:
            pass
        case dict() | list(), _:
            yield f"{place} is {value!r}"


def test_every_link_within_the_docs_leads_somewhere() -> None:
    pages = [reference.ROOT / "README.md", *(reference.ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(reference.ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []

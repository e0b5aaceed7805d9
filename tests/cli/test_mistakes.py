"""What bad input gets: one clear error each, all together, exit 2, nothing run and nothing lost."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

import pytest

HEAD = "from assetflow import *\n"


def errors(folder: Any, *arguments: str, code: int = 2) -> dict[str, dict[str, Any]]:
    """The mistakes by code."""
    return {e["code"]: e for e in folder.json(*arguments, code=code)["errors"]}


def test_an_unknown_input_is_told_with_the_nearest_names(shop: Any) -> None:
    shop.edit("shop/assets.py", "def total(amounts:", "def total(amonts:")
    found = errors(shop, "validate")["unknown-input"]
    assert "amonts" in found["message"]
    assert "amounts" in found["hint"]
    assert any("shop/assets.py:" in place for place in found["where"])
    assert shop.run("materialize", code=2).err.startswith("error[unknown-input]")
    assert not (shop.path / "catalog.db").exists()


def test_a_cycle_is_told_with_its_path(folder: Any) -> None:
    folder.write("shop.py", HEAD + "@asset\ndef a(c): ...\n@asset\ndef b(a): ...\n@asset\ndef c(b): ...\n")
    found = errors(folder, "validate")["cyclic-assets"]
    assert (
        "shop.a → shop.b → shop.c → shop.a" in found["message"]
        or "shop.a → shop.c → shop.b → shop.a" in found["message"]
    )
    assert len(found["where"]) == 3


def test_a_duplicate_key_is_told_with_both_places(folder: Any) -> None:
    folder.write("shop.py", HEAD + "@asset\ndef a(): ...\nfirst = a\n@asset(name='a')\ndef again(): ...\n")
    assert len(errors(folder, "validate")["duplicate-key"]["where"]) == 2


def test_a_wrong_edge_type_is_told_with_both_places(folder: Any) -> None:
    folder.write(
        "shop.py", HEAD + "@asset\ndef a() -> int:\n    return 1\n@asset\ndef b(a: str) -> str:\n    return a\n"
    )
    found = errors(folder, "validate")["edge-type"]
    assert "int" in found["message"]
    assert "str" in found["message"]
    assert len(found["where"]) == 2


def test_a_missing_and_a_badly_configured_resource_are_told(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
        class Api(Resource):
            url: str
            retries: int = 3

        @asset
        def a(api: Api) -> int:
            return 1
        """.replace("\n        ", "\n"),
    )
    found = folder.json("validate", code=2)["errors"]
    assert any("api.url" in e["message"] for e in found)
    folder.write("assetflow.toml", 'modules = ["shop"]\n[resources.api]\nurl = "x"\nretries = "many"\n')
    found = folder.json("validate", code=2)["errors"]
    assert any("api.retries" in e["message"] for e in found)


def test_a_bad_parameter_is_told(folder: Any) -> None:
    folder.write("shop.py", HEAD + "@asset\ndef a(limit: int = 3) -> int:\n    return limit\n")
    assert "limit" in errors(folder, "plan", "--set", "limit=lots")["bad-parameter"]["message"]
    assert "limit" in errors(folder, "plan", "--set", "limt=3")["unknown-parameter"]["hint"]


def test_unknown_and_empty_selections_are_told(shop: Any) -> None:
    assert "report" in errors(shop, "plan", "reprot")["unknown-asset"]["hint"]
    assert "empty-selection" in errors(shop, "plan", "tag:none")
    assert "bad-selection" in errors(shop, "plan", "report and")


def test_a_syntax_error_in_one_module_does_not_hide_the_others(shop: Any) -> None:
    shop.write("shop/broken.py", "def f(:\n")
    listed = shop.run("list", "--json")
    assert len(listed.json["assets"]) == 5
    assert shop.run("status").code == 0
    assert shop.run("plan").code == 0
    found = errors(shop, "validate")["module-does-not-import"]
    assert any("shop/broken.py:1" in place for place in found["where"])
    shop.run("materialize", code=2)


def test_commands_about_the_past_work_while_the_code_is_broken(shop: Any) -> None:
    shop.run("materialize")
    shop.write("shop/assets.py", "def f(:\n")
    for command in (
        ["list"],
        ["show", "report"],
        ["status"],
        ["lineage", "report"],
        ["history", "report"],
        ["runs"],
        ["runs", "show", "1"],
        ["logs", "1"],
    ):
        shop.run(*command)
    assert "shop.report" in shop.run("list").out
    assert shop.run("cat", "report").out
    assert "shop.orders" in shop.run("lineage", "report").out


def test_a_catalog_of_a_newer_version_is_refused_in_one_line(shop: Any) -> None:
    shop.run("materialize")
    with sqlite3.connect(shop.path / "catalog.db") as db:
        db.execute("pragma user_version = 9999")
    for command in ("status", "materialize", "history"):
        done = shop.run(command, *(["report"] if command == "history" else []), code=78)
        assert "catalog-newer" in done.err


def test_a_damaged_catalog_is_refused_and_never_made_anew(shop: Any) -> None:
    shop.run("materialize")
    path = shop.path / "catalog.db"
    for extra in shop.path.glob("catalog.db-*"):
        extra.unlink()
    path.write_bytes(b"this is no database" * 500)
    before = path.read_bytes()
    for command in (["status"], ["materialize"], ["history", "report"], ["catalog", "verify"]):
        assert "catalog-damaged" in shop.run(*command, code=78).err
    assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_can_be_read(shop: Any) -> None:
    shop.run("materialize")
    shop.path.chmod(0o500)
    try:
        assert shop.run("status").code == 0
        assert shop.run("history", "report").code == 0
        assert shop.run("materialize", "--force", code=74).err.count("\n") <= 6
    finally:
        shop.path.chmod(0o700)


def test_a_value_without_a_codec_is_told_what_to_do(folder: Any) -> None:
    folder.write("shop.py", HEAD + "@asset\ndef a():\n    return object()\n")
    done = folder.json("materialize", code=1)
    assert done["steps"][0]["error"]["class"] == "data"
    assert "codec" in done["steps"][0]["error"]["message"]


def test_all_mistakes_of_a_project_are_reported_together(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + "@asset\ndef a(nothing) -> int: ...\n"
        + "@asset\ndef b() -> int: ...\n@asset\ndef c(b: str): ...\n"
        + "@asset\ndef d(e): ...\n@asset\ndef e(d): ...\n"
        + "@asset(name='b')\ndef f(): ...\n"
        + "@asset(timeout='5s')\ndef g(): ...\n",
    )
    found = folder.json("validate", code=2)["errors"]
    assert {e["code"] for e in found} >= {"unknown-input", "cyclic-assets", "duplicate-key", "not-there-yet"}
    text = folder.run("validate", code=2).err
    assert all(block.count("\n") < 6 for block in text.split("error[")[1:])


def test_no_project_and_usage_errors_are_one_line(folder: Any) -> None:
    (folder.path / "assetflow.toml").unlink()
    assert "assetflow init" in folder.run("status", code=2).err
    assert folder.run("materialise", code=2).err
    assert folder.run("cat", "..", code=2).err


def test_a_query_of_an_unknown_table_names_the_nearest(shop: Any) -> None:
    shop.run("materialize")
    done = shop.run("query", "select * from shop.amonts", code=2)
    assert done.err.startswith("error[bad-sql]: there is no table shop.amonts\nhint: did you mean shop.amounts")


def test_the_history_of_a_version_that_is_not_there_says_so(shop: Any) -> None:
    shop.run("materialize")
    done = shop.run("history", "amounts:v9", code=2)
    assert done.err.startswith("error[no-value]: shop.amounts:v9 does not exist\n")
    assert len(shop.json("history", "amounts:v1")["materializations"]) == 1

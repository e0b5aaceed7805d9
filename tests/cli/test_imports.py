"""What a command loads: each package that it does not need would be paid for by every command."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

#: Beside these a command may load what the command line (typer brings pydantic) and the catalog are made of.
HEAVY = {
    "alembic",
    "duckdb",
    "networkx",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "sqlglot",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
    "assetflow.catalog.journal",
    "assetflow.catalog.verify",
    "assetflow.load.again",
    "assetflow.run.executing",
    "assetflow.store.tablefile",
    "assetflow.types.adapters",
    "assetflow.upkeep.query",
}
SHOP = """
from assetflow import asset

@asset
def a() -> int:
    return 1

@asset
def b(a: int) -> list[int]:
    return [a]
"""
PROGRAM = """
import sys
from assetflow.cli.main import run
code = run(sys.argv[1:])
print("loaded:", *sys.modules)
sys.exit(code)
"""


def loaded(folder: Any, *arguments: str) -> set[str]:
    """The heavy modules that a command of this project loads."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=folder.path, capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("loaded:")[2].split()) & HEAVY


def test_finding_nothing_to_do_loads_nothing_heavy(folder: Any) -> None:
    folder.write("shop.py", SHOP)
    folder.run("materialize")
    assert loaded(folder, "materialize") == set()


def test_status_plan_and_list_load_nothing_heavy(folder: Any) -> None:
    folder.write("shop.py", SHOP)
    folder.run("materialize")
    for command in ("status", "plan", "list", "history b", "runs", "runs show last"):
        assert loaded(folder, *command.split()) == set(), command


def test_help_loads_no_catalog(folder: Any) -> None:
    program = "import sys\nfrom assetflow.cli.main import run\nrun(['--help'])\nprint('loaded:', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = set(done.stdout.rpartition("loaded:")[2].split())
    assert not found & (HEAVY | {"sqlalchemy", "assetflow.project", "assetflow.load.load"})

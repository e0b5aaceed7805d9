"""What a person sees, at 80 and 120 columns: each command's text against a picture of it that lies beside this file.

``python -m pytest tests/cli/test_terminal.py --draw`` draws the pictures anew; look at what has changed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PICTURES = Path(__file__).parent / "terminal"
COMMANDS = [
    "plan",
    "materialize",
    "list",
    "show report",
    "status",
    "history total",
    "lineage report",
    "lineage report:v1",
    "runs",
    "runs show last",
    "cat total",
    "cat report",
    "logs last",
    "doctor",
    "catalog verify",
    "validate",
    "edit",
    "plan",
    "status",
    "explain large",
    "materialize",
    "diff large",
    "gc",
    "break",
    "materialize",
    "status",
    "plan",
    "show nothing",
    "materialize ordrs",
    "spoil",
    "list",
    "status",
    "plan",
    "materialize",
    "runs show 3",
]
MASKED = [
    (r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?", lambda m: re.sub(r"\d", "0", m[0])),
    (r"\b\d\d:\d\d:\d\d\.\d\d\d", lambda m: "00:00:00.000"),
    (r"\b\d+\.\d\ds\b", lambda m: "0" * (len(m[0]) - 4) + ".00s"),
    (r"\b[0-9a-f]{10,32}\b", lambda m: "d" * len(m[0])),
    (r"(?m)^  (user|host|python|assetflow|pyarrow|duckdb|polars|pandas|numpy|git) .*\n", lambda m: ""),
]


def drawn(shop: Any, columns: int) -> str:
    parts = []
    for command in COMMANDS:
        if command == "edit":
            shop.edit("shop/rules.py", "15.0", "60.0")
        elif command == "break":
            shop.edit("shop/assets.py", "return sum(amounts)", "raise ValueError('no sum today, and this is why: x')")
        elif command == "spoil":
            shop.write(
                "shop/more.py", "from assetflow import asset\n\n@asset\ndef odd(ordrs: int) -> int:\n    return 1\n"
            )
        else:
            text = shop.terminal(*command.split(), columns=columns)
            parts.append(f"$ assetflow {command}\n{text}")
    whole = "\n".join(parts).replace(str(shop.path), "/home/me/shop")
    for pattern, mask in MASKED:
        whole = re.sub(pattern, mask, whole)
    return whole


@pytest.mark.parametrize("columns", [80, 120])
def test_what_a_person_sees(shop: Any, columns: int, request: pytest.FixtureRequest) -> None:
    picture = PICTURES / f"{columns}.txt"
    seen = drawn(shop, columns)
    if request.config.getoption("--draw"):
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(seen, encoding="utf-8")
    assert seen == picture.read_text(encoding="utf-8")

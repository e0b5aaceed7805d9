"""``validate`` loads twice: what the two loads read differently makes assets stale at every command."""

from __future__ import annotations

from typing import Any

HEAD = "import os, time\nfrom assetflow import asset\n"


def warnings(folder: Any) -> list[tuple[str, str, list[str]]]:
    found = folder.json("validate")["warnings"]
    return [(each["code"], each["message"], each["where"]) for each in found]


def test_a_constant_made_from_the_clock_is_warned_of_with_who_reads_it(folder: Any) -> None:
    text = "@asset\ndef {}() -> int:\n    return NOW\n"
    folder.write(
        "shop.py", HEAD + "NOW = time.perf_counter_ns()\n" + text.format("a") + text.format("b") + text.format("c")
    )
    ((code, message, where),) = warnings(folder)
    assert code == "not-deterministic"
    assert message.startswith("two loads read differently: constant shop.NOW changed: ")
    assert message.endswith("(shop.py:3)")
    assert where == ["shop.a   shop.py:4", "shop.b   shop.py:7", "shop.c   shop.py:10"]


def test_the_order_of_a_set_at_import_is_warned_of(folder: Any) -> None:
    names = "NAMES = list({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})\n"
    folder.write("shop.py", HEAD + names + "@asset\ndef a() -> list[str]:\n    return NAMES\n")
    assert "constant shop.NAMES" in warnings(folder)[0][1]


def test_assets_that_only_one_load_declares_are_warned_of(folder: Any) -> None:
    body = "made = [asset(name=f'a{os.getpid()}')(lambda: 1)]\n@asset\ndef b() -> int:\n    return 1\n"
    folder.write("shop.py", HEAD + body)
    ((code, message, _),) = warnings(folder)
    assert code == "not-deterministic"
    assert message.endswith("are declared by one of two loads only")


def test_a_project_that_loads_alike_is_not_warned_of_and_its_output_harms_nothing(folder: Any) -> None:
    folder.write("shop.py", HEAD + "print('hello')\n@asset\ndef a() -> int:\n    return len({'a', 'b'})\n")
    done = folder.run("validate")
    assert (done.out, done.err) == ("1 asset, no mistakes\n", "hello\n")


def test_a_second_load_that_does_not_end_as_the_first_is_told_in_a_line(folder: Any) -> None:
    ending = "import sys\nif sys.argv[0] == '-c':\n    os._exit(3)\n"
    folder.write("shop.py", HEAD + ending + "@asset\ndef a() -> int:\n    return 1\n")
    told = folder.run("validate").err.splitlines()
    assert told[0] == "warning[not-deterministic]: a second load of the project does not end as the first one did"

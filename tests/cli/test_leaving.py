"""How a command's process ends."""

from __future__ import annotations

from typing import Any

CODE = """
import atexit
import threading
import time
from pathlib import Path
from assetflow import asset

@atexit.register
def at_exit() -> None:
    Path("exited").write_text("yes")

@asset
def late() -> int:
    def go_on() -> None:
        time.sleep(0.3)
        Path("went_on").write_text("yes")
    threading.Thread(target=go_on).start()
    print("x" * 100_000)
    return 1
"""


def test_exit_functions_and_threads_of_the_project_are_waited_for(folder: Any) -> None:
    folder.write("shop.py", CODE)
    folder.run("materialize")
    assert (folder.path / "exited").exists()
    assert (folder.path / "went_on").exists()


def test_output_that_nobody_reads_to_its_end_is_no_error(folder: Any) -> None:
    folder.write("shop.py", CODE)
    folder.run("materialize")
    with folder.start("cat", "late") as process:
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 0


def test_a_command_gives_its_exit_code(folder: Any) -> None:
    folder.write("shop.py", CODE)
    folder.run("show", "nothing", code=2)
    folder.run("plan", "--exit-code", code=3)

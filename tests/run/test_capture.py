"""What else holds of captured streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from assetflow.run.capture import captured, capturing
from assetflow.run.logs import AttemptLog
from datetime import UTC, datetime

log = AttemptLog(lambda: Path(sys.argv[1]), {}, now=lambda: datetime.now(UTC), masked=str)

def step():
    answer = 41
    print("before")
    breakpoint()
    print("after")

with capturing(), captured(log):
    step()
log.close()
print("outside")
"""


def test_a_breakpoint_in_a_step_talks_to_the_terminal(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONBREAKPOINT"}
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "log")],
        input="p answer + 1\nc\n",
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=30,
        check=True,
    )
    assert "42" in done.stdout
    assert "after" in done.stdout
    assert "outside" in done.stdout
    assert "before" not in done.stdout
    assert '"text": "before"' in (tmp_path / "log").read_text()

"""Every Python block and command in README.md and docs/ is run: the words of the docs are executed.

    ```python file=shop.py      the block is written to that file of the page's own empty folder
    ```python                   the block is run there
    ```console                  ``$ command`` lines are run there; what follows is what they print, ``...`` is anything

A page's blocks share a folder and a namespace, from top to bottom. A block after ``<!-- not run: why -->`` is not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

BLOCK = re.compile(r"(?P<before>[^\n]*\n)?^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SKIPPED = re.compile(r"<!-- (not run|command): [^>]*-->")
#: Times, digests and sizes differ from run to run; both sides are compared with these replaced.
VOLATILE = (
    (re.compile(r"\b\d+(\.\d+)?s\b"), "0s"),
    (re.compile(r"\b[0-9a-f]{10,32}\b"), "digest"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"), "time"),
    (re.compile(r"[ \t]+"), " "),
)


class Page(pytest.File):
    """One page of the docs: a single test, because its blocks build on each other."""

    def collect(self) -> Any:
        text = self.path.read_text(encoding="utf-8")
        if any(block["info"] and not SKIPPED.search(block["before"] or "") for block in BLOCK.finditer(text)):
            yield Blocks.from_parent(self, name="blocks")


class Blocks(pytest.Item):
    """All blocks of a page, in order."""

    def runtest(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            namespace: dict[str, Any] = {"__name__": "page"}
            text = self.path.read_text(encoding="utf-8")
            for block in BLOCK.finditer(text):
                if SKIPPED.search(block["before"] or ""):
                    continue
                line = text.count("\n", 0, block.start("text")) + 1
                self._run(block["info"].strip(), block["text"], Path(folder), namespace, line)

    def _run(self, info: str, text: str, folder: Path, namespace: dict[str, Any], line: int) -> None:
        language, _, target = info.partition(" file=")
        if target:
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif language == "python":
            before = Path.cwd()
            os.chdir(folder)
            try:
                exec(compile("\n" * (line - 1) + text, str(self.path), "exec"), namespace)
            finally:
                os.chdir(before)
        elif language == "console":
            for command, expected in commands(text):
                printed = run(command, folder)
                if not matches(expected, printed):
                    raise AssertionError(
                        f"{self.path.name}:{line}: $ {command}\nexpected:\n{expected}\nprinted:\n{printed}"
                    )

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"docs: {self.path.name}"

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, AssertionError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that the page shows."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in found]


def run(command: str, folder: Path) -> str:
    """What a command prints, on both streams, with this environment's ``assetflow`` first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith("ASSETFLOW_") and k != "PYTHONDONTWRITEBYTECODE"
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**environment, "PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def matches(expected: str, printed: str) -> bool:
    """Whether the output is as shown. Nothing shown asks for nothing."""
    if not expected.strip():
        return True
    wanted, got = _settled(expected), _settled(printed)
    pattern = ".*".join(re.escape(part) for part in wanted.split("..."))
    return re.fullmatch(pattern, got, re.DOTALL) is not None


def _settled(text: str) -> str:
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Page | None:
    """Pages of the docs are tests."""
    root = Path(__file__).parent
    if file_path.suffix == ".md" and (file_path == root / "README.md" or root / "docs" in file_path.parents):
        return Page.from_parent(parent, path=file_path)
    return None

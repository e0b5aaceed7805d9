"""What all tests share: a project in a temporary folder, driven through the command line as its user would."""

from __future__ import annotations

import atexit
import fcntl
import importlib.util
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's affair.
# The same examples every time, so that a change is blamed only for what it does; ASSETFLOW_LAWS=long looks further.
settings.register_profile(
    "assetflow",
    deadline=None,
    derandomize=os.environ.get("ASSETFLOW_LAWS") != "long",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("assetflow")

#: What commands are not given of the environment. A terminal's size is its own: readline sets it, where it is loaded.
_OURS = {"COLUMNS", "LINES", "NO_COLOR"}
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("ASSETFLOW_", "PYTEST_")) and k not in _OURS}


def _module(path: Path) -> ModuleType:
    """A module beside this one: tests are no package."""
    spec = importlib.util.spec_from_file_location(f"tests_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_warm = _module(Path(__file__).with_name("warm.py")).Warm(CLEAN)
atexit.register(_warm.close)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The object on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Folder:
    """A project's folder."""

    path: Path

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project; the text may be indented."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a file."""
        path = self.path / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *arguments: str, code: int | None = 0, **environment: str) -> Done:
        """Run ``assetflow`` here; ``code`` is what it must exit with (None: anything)."""
        result = Done(*_warm.run(arguments, self.path, {**CLEAN, **environment}, timeout=120))
        if code is not None:
            assert result.code == code, f"exit {result.code}\n{result.out}\n{result.err}"
        assert not re.search("^Traceback", result.err, re.MULTILINE) or "-v" in arguments, result.err
        return result

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """The JSON object of a command."""
        return self.run(*arguments, "--json", code=code).json

    def made(self, *arguments: str, code: int = 0) -> dict[str, str]:
        """What ``materialize`` did, by ``name@partition``; for projects of one group."""
        steps = self.json("materialize", *arguments, code=code)["steps"]
        return {f"{each['key'].partition('.')[2]}@{each['partition']}": each["outcome"] for each in steps}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``assetflow`` here and go on."""
        command = [sys.executable, "-m", "assetflow", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.path,
            env={**CLEAN, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def terminal(self, *arguments: str, columns: int) -> str:
        """What a person sees who runs ``assetflow`` here in a terminal of that width, without its colours."""
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
        started = _warm.start(arguments, self.path, {**CLEAN, "TERM": "xterm"}, (side, side, side))
        os.close(side)
        seen = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # how the end of a terminal reads
                break
            if not part:
                break
            seen += part
        started.wait(timeout=120)
        os.close(main)
        text = re.sub(r"\x1b\[\?25[hl]", "", seen.decode())
        text = re.sub(r"[^\n]*(\r\n\r\x1b\[1A|\r)\x1b\[2K", "", text)  # lines that were taken back
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")
        return "\n".join(line.rstrip() for line in text.split("\n"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder with settings that name the module ``shop``."""
    made = Folder(tmp_path)
    made.write("assetflow.toml", 'modules = ["shop"]\n')
    return made


@pytest.fixture
def shop(folder: Folder) -> Folder:
    """A small project: a CSV file, a helper module, and four assets of which the last reads two."""
    folder.write("data/orders.csv", "id,amount\n1,10.0\n2,20.0\n3,70.0\n")
    folder.write("shop/__init__.py", "")
    folder.write("shop/rules.py", "LARGE = 15.0  # a large order\n")
    folder.write(
        "shop/helpers.py",
        '''
        from shop.rules import LARGE

        def is_large(amount):
            """Whether an order is large."""
            return amount >= LARGE
        ''',
    )
    folder.write(
        "shop/assets.py",
        '''
        import pyarrow as pa
        from assetflow import File, asset, source
        from shop.helpers import is_large

        orders = source("orders", File("data/orders.csv"), type=pa.Table)

        @asset
        def amounts(orders: pa.Table) -> list[float]:
            """All amounts."""
            return orders["amount"].to_pylist()

        @asset
        def large(amounts: list[float]) -> list[float]:
            return [a for a in amounts if is_large(a)]

        @asset
        def total(amounts: list[float]) -> float:
            return sum(amounts)

        @asset
        def report(large: list[float], total: float) -> str:
            return f"{len(large)} large orders of {total:g}"
        ''',
    )
    return folder


@pytest.fixture
def outcomes() -> Callable[[Any], dict[str, str]]:
    """Asset name → outcome, of a ``materialize --json``."""

    def read(done: Any) -> dict[str, str]:
        return {step["key"].split(".")[1]: step["outcome"] for step in done["steps"]}

    return read


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--draw", action="store_true", help="draw the pictures of the command line's output anew")

"""mypy sees through the decorators: signatures are kept, and wrong calls are found."""

from __future__ import annotations

from pathlib import Path

from mypy import api


def test_mypy_agrees_with_every_assertion_and_finds_every_mistake(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    file = Path(__file__).with_name("public_types.py")
    arguments = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", str(root / ".mypy_cache")]
    out, errors, _ = api.run([*arguments, "--follow-imports=silent", str(file)])
    assert (errors, out) == ("", "Success: no issues found in 1 source file\n")

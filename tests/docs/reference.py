"""What the reference in docs/reference is held against, read from the code.

``python tests/docs/reference.py`` writes docs/reference/commands.md; a test compares it with what is there.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from assetflow.cli.app import app

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
COMMANDS = REFERENCE / "commands.md"

#: Every command takes these; they are described once.
SHARED = {"modules", "directory", "environment", "as_json", "help"}

_CODE = re.compile(r"[a-z]+(-[a-z]+)+")
#: What is called with a code as its first argument.
_REFUSALS = re.compile(r"\w*(Error|ValueMismatch|Rule)$|_json$")

_HEAD = """# Commands

<!-- Written by `python tests/docs/reference.py` from the command line's own definitions. Do not edit. -->

Every command takes these options too:

| option | |
|---|---|
| `-m`, `--module MODULE` | A module or package with assets; repeatable. |
| `-C`, `--directory DIR` | The project's folder; by default the nearest one upwards that has settings. |
| `--env NAME` | The environment; `main` by default. |
| `--json` | Print one JSON object: [its shapes](json.md). |
| `-h`, `--help` | What the command does, and its options. |

`SEL` is a selection of assets: `name`, `group.name`, a glob, `+x` (and all it needs), `x+` (and all that needs it),
`2+x` and `x+3` (so many steps), `group:g`, `tag:t`, `owner:o`, `kind:k`, `status:s`, joined by `and`, `or`, `not` and
parentheses. Several arguments mean *or*.

`--partition` takes a key; a range `K1..K2`, both ends included, whose ends may also be times like `2026-01`,
`2026-W02`, `2026-01-05` or `2026-01-05T13` (it selects every window that shares time with it, as such a time alone
does); `latest` and `last:7`, the newest; `missing`, `failed` and `stale`, by how partitions stand;
`day=2026-01,region=eu`, by dimensions; and a JSON string, which is nothing but a key. What is not partitioned is not
narrowed, nor is what has no windows by a time.

An `ADDRESS` is a name, with `@partition` and `:vN` where one value is meant.

Data goes to stdout, everything else to stderr.
"""

_EXIT_CODES = """
## Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | an asset failed; `catalog verify` or `doctor` found a problem |
| 2 | a mistake in the definitions, the settings or the command; nothing was run |
| 3 | `plan --exit-code`, and the plan is not empty |
| 4 | a value is held back, and nothing failed |
| 70 | a fault of assetflow |
| 74 | the disk, a folder or a stored value cannot be read or written |
| 75 | busy: the catalog stays locked, or someone else holds what is needed |
| 78 | the catalog is damaged, or was made by a newer assetflow |
| 130, 143 | interrupted by Ctrl-C, or ended by SIGTERM |
"""


def commands() -> str:
    """The text of docs/reference/commands.md."""
    parts = [_HEAD]
    for path, command in described():
        parts.append(f"\n## assetflow {path}\n\n{_usage(path, command)}\n\n{_paragraph(command)}\n")
        rows = [_row(p) for p in command.params if p.name not in SHARED]
        if rows:
            parts.append("\n| | |\n|---|---|\n" + "".join(rows))
    return "".join(parts) + _EXIT_CODES


def described() -> Iterator[tuple[str, Any]]:
    """Every command with its path, as in ``runs show``, in the order of ``assetflow --help``."""
    yield from _below("", typer.main.get_command(app))


def _below(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        own = f"{path} {name}".strip()
        if not hasattr(command, "commands"):
            yield own, command
            continue
        if command.invoke_without_command:
            yield own, command
        yield from _below(own, command)


def _usage(path: str, command: Any) -> str:
    words = [f"assetflow {path}", "[OPTIONS]"]
    words += [_argument(p) for p in command.params if p.param_type_name == "argument"]
    return f"`{' '.join(words)}`"


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper()).strip("[]")
    name = name.replace("]...", "").replace("]", "")
    name += "..." if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _paragraph(command: Any) -> str:
    return " ".join(inspect.cleandoc(command.callback.__doc__ or command.help or "").split())


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{_argument(parameter)}`"
    else:
        name = ", ".join(f"`{each}`" for each in parameter.opts)
        if not parameter.is_flag:
            name = name[:-1] + f" {parameter.metavar or parameter.name.upper()}`"
    said = (parameter.help or "").strip()
    default = parameter.default
    if default not in (None, False, "", ()) and not callable(default) and parameter.param_type_name != "argument":
        said += f" By default {default}."
    return f"| {name} | {said} |\n".replace("…", "...")


def error_codes() -> dict[str, str]:
    """Every code of an error or a problem that assetflow can report, with a place that reports it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "assetflow").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for code in _codes_in(node):
                found.setdefault(code, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    return found


def _codes_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        given = [k.value for k in node.keywords if k.arg == "code" and name in {"Problem", "AssetflowError"}]
        given += node.args[:1] if _REFUSALS.search(name) and name != "_json" else []
        given += node.args[1:2] if name == "_json" else []
        for value in given:
            for each in ast.walk(value):
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and _CODE.fullmatch(each.value):
                    yield each.value
    # The codes of faults of the operating system stand in a table.
    if isinstance(node, ast.FunctionDef) and node.name == "_errno":
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and _CODE.fullmatch(each.value):
                yield each.value


def headings(page: str, level: int = 2) -> list[str]:
    """The headings of a page of the reference, without backticks."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return [h.strip("` ") for h in re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)]


if __name__ == "__main__":
    COMMANDS.write_text(commands(), encoding="utf-8")

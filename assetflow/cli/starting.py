"""How one begins: ``init`` and ``config show``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from assetflow.cli.session import Session
from assetflow.errors import UsageError
from assetflow.model.keys import AssetKey

__all__ = ["init", "show_config"]

#: File of the template → file of the project; ``$name`` is the project's module.
_FILES = {
    "assetflow.toml": "assetflow.toml",
    "assets.txt": "$name.py",
    "orders.csv": "data/orders.csv",
    "test_assets.txt": "tests/test_$name.py",
    "gitignore": ".gitignore",
}


def init(
    session: Session, name: Annotated[str, typer.Argument(help="The new folder, and the name of its module.")] = "shop"
) -> None:
    """Make a small project that runs at once."""
    folder = (session.directory or Path.cwd()) / name
    module = folder.name
    if not AssetKey.is_name(module) or not module.islower():
        raise UsageError(
            "bad-name", f"{module!r} cannot be a module's name", hint="use lower-case letters, digits and _"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("folder-not-empty", f"{folder} exists already and is not empty", hint="choose another name")
    template = files("assetflow.cli") / "template"
    written = []
    for source, target in _FILES.items():
        path = folder / Template(target).substitute(name=module)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (template / source).read_text(encoding="utf-8")
        path.write_text(Template(text).safe_substitute(name=module), encoding="utf-8")
        written.append(str(path.relative_to(folder.parent)))
    if session.out.json:
        session.out.object(folder=str(folder), files=written)
        return
    for path_text in written:
        session.out.line(f"  {path_text}")
    session.out.line(f"now: cd {name} && assetflow materialize && assetflow lineage summary")


def show_config(session: Session) -> None:
    """Every setting with its value and where it came from."""
    project = session.project()
    rows = [(e.name, e.value, e.origin) for e in project.settings.entries()]
    if session.out.json:
        session.out.object(settings=[{"name": name, "value": value, "origin": origin} for name, value, origin in rows])
        return
    session.out.table(["setting", "from", "value"], [[name, origin, _text(value)] for name, value, origin in rows])


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

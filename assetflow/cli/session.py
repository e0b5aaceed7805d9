"""What every command starts from: where to look, how to answer, and the project once it is opened."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assetflow.cli.output import Output
from assetflow.errors import AssetflowError, UsageError

if TYPE_CHECKING:  # so that --help need not load them
    from assetflow.load.settings import Settings

__all__ = ["Session", "command", "known_names"]


def known_names(incomplete: str) -> list[str]:
    """Asset names for the shell's completion: as recorded, so that no code is imported."""
    from assetflow.project import Project  # noqa: PLC0415 - only while completing

    try:
        keys = Project.open().past.definitions()
    except AssetflowError:
        return []
    bare = [key.name for key in keys]
    names = [key.name if bare.count(key.name) == 1 and "." not in incomplete else str(key) for key in sorted(keys)]
    return [name for name in names if name.startswith(incomplete)]


Modules = Annotated[
    list[str] | None, typer.Option("-m", "--module", help="A module or package with assets; repeatable.")
]
Directory = Annotated[Path | None, typer.Option("-C", "--directory", help="The project's folder.")]
Environment = Annotated[str | None, typer.Option("--env", help="The environment; main by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_SHARED: dict[str, tuple[Any, Any]] = {
    "modules": (Modules, None),
    "directory": (Directory, None),
    "environment": (Environment, None),
    "as_json": (Json, False),
}


class Session:
    """One command's view of the project; nothing is opened or imported before it is asked for."""

    def __init__(
        self, *, modules: list[str] | None, directory: Path | None, environment: str | None, as_json: bool
    ) -> None:
        self.modules = tuple(modules or ())
        self.directory = directory
        self.environment = environment
        self.out = Output(json=as_json)
        self._opened: list[Any] = []  # assetflow.project.Project

    def project(self, *, sets: tuple[str, ...] = ()) -> Any:  # assetflow.project.Project
        """The project, its code not yet loaded; closed with the session."""
        from assetflow.project import Project  # noqa: PLC0415 - a command body loads what it needs

        opened = Project.open(*self.modules, directory=self.directory, environment=self.environment, sets=sets)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Close what was opened: the catalog is one file again."""
        for project in self._opened:
            project.close()

    def past(self) -> Any:  # assetflow.upkeep.past.Past
        """What catalog and store remember; the project's code is not loaded."""
        return self.project().past

    def refuse_protected(self, settings: Settings, sets: Sequence[str] = ()) -> None:
        """Raise UsageError ``protected-environment`` where this command would write one that it does not name, or with
        parameters of its own.
        """
        here = settings.environments.get(settings.environment)
        if here is None or not here.protected:
            return
        if self.environment is None:
            raise UsageError(
                "protected-environment",
                f"the environment {settings.environment} is protected: it is written only when it is named",
                hint=f"give --env {settings.environment}",
            )
        if sets:
            raise UsageError(
                "protected-environment",
                f"the environment {settings.environment} is protected: --set is not for it",
                hint=f"write it into [environments.{settings.environment}.parameters]",
            )

    def tell_unavailable(self, project: Any, *, quiet: bool = False) -> None:
        """Say on stderr what is wrong with the code, for commands that go on without it."""
        if self.out.json:
            return
        for mistake in project.mistakes():
            if not quiet or mistake.code == "module-does-not-import":
                self.out.error(mistake)


def command(app: typer.Typer, name: str | None) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a function as a command. It takes a :class:`Session` first and returns the exit code (None: 0).

    Each command gets ``-m``, ``-C``, ``--env`` and ``--json`` beside its own parameters. Without a name it is what
    a group of commands does when none of them is named.
    """
    register_as = app.command(name) if name else app.callback(invoke_without_command=True)

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        @functools.wraps(function)
        def run(**given: Any) -> int:
            session = Session(**{name: given.pop(name) for name in _SHARED})
            if name is None and given.pop("context").invoked_subcommand is not None:
                return 0
            try:
                return function(session, **given) or 0
            finally:
                session.close()

        signature = inspect.signature(function, eval_str=True)
        own = list(signature.parameters.values())[1:]
        shared = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
            for name, (hint, default) in _SHARED.items()
        ]
        if name is None:
            own.append(inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + shared
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined] # how typer reads it
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        del run.__wrapped__  # else inspect would follow it
        register_as(run)
        return function

    return register

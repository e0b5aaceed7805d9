"""The commands, by noun."""

from __future__ import annotations

from typing import Annotated

import typer

from assetflow.cli import (
    comparing,
    contracts,
    deciding,
    declared,
    lineage,
    partitions,
    running,
    runs,
    starting,
    upkeep,
    values,
)
from assetflow.cli.session import command

__all__ = ["app"]

app = typer.Typer(
    name="assetflow",
    help="A build system for data: declare assets, see what is stale and why, rebuild exactly that.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_runs = typer.Typer(help="What happened: the runs, newest first.", rich_markup_mode=None)
_catalog = typer.Typer(help="The catalog file: verify, backup.", no_args_is_help=True, rich_markup_mode=None)
_contracts = typer.Typer(help="What assets promise: list, export, check.", rich_markup_mode=None)
_config = typer.Typer(help="The settings.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415 - only for --version

        typer.echo(installed("assetflow"))
        raise typer.Exit


command(app, "init")(starting.init)
command(app, "validate")(declared.validate)
command(app, "list")(declared.list_assets)
command(app, "show")(declared.show)
command(app, "status")(deciding.status)
command(app, "plan")(deciding.plan)
command(app, "materialize")(running.materialize)
command(app, "check")(running.check)
command(app, "lineage")(lineage.lineage)
command(app, "impact")(lineage.impact)
command(app, "partitions")(partitions.partitions)
command(app, "explain")(deciding.explain)
command(app, "history")(values.history)
command(app, "cat")(values.cat)
command(app, "diff")(comparing.diff)
command(app, "open")(values.open_value)
command(app, "query")(values.query)
command(app, "logs")(runs.logs)
app.add_typer(_runs, name="runs")
command(_runs, None)(runs.runs)
command(_runs, "show")(runs.show_run)
command(app, "gc")(upkeep.gc)
command(app, "doctor")(upkeep.doctor)
app.add_typer(_catalog, name="catalog")
command(_catalog, "verify")(upkeep.verify)
command(_catalog, "backup")(upkeep.backup)
app.add_typer(_contracts, name="contracts")
command(_contracts, None)(contracts.contracts)
command(_contracts, "export")(contracts.export)
command(_contracts, "check")(contracts.check)
app.add_typer(_config, name="config")
command(_config, "show")(starting.show_config)

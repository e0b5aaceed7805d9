"""Runs a command and turns how it ended into an exit code. No traceback of ours reaches a user."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from assetflow.cli.output import Output
from assetflow.errors import AssetflowError

__all__ = ["run"]

_INTERRUPTED = 130
#: What is imported and loaded stays to the end: looking through it again and again finds nothing to free, and takes a
#: tenth of a command's time.
_COLLECT = (50_000, 20, 20)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code: see "Exit codes" in docs/reference/commands.md."""
    from assetflow.cli.app import app  # noqa: PLC0415 - building the commands is part of running

    gc.set_threshold(*_COLLECT)
    output = Output(json="--json" in arguments)
    try:
        result = app(list(arguments), standalone_mode=False, prog_name="assetflow")
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
    except AssetflowError as error:
        output.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        output.note("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        return _seen_enough()
    except SystemExit as ended:  # how click takes a broken pipe
        if isinstance(ended.__context__, BrokenPipeError):
            return _seen_enough()
        return ended.code if isinstance(ended.code, int) else 1
    except Exception as error:
        return _last_resort(error, output, arguments)
    return code


def _seen_enough() -> int:
    """Whoever read our output has closed it. What is left of it is flushed at exit: give it somewhere to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _last_resort(error: Exception, output: Output, arguments: Sequence[str]) -> int:
    """Typer's own exits and usage errors; and what should not have happened, in one line unless ``-v`` asks for all."""
    show = getattr(error, "show", None)
    if callable(show):  # a usage error of the command line parser
        show(file=sys.stderr)
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ in {"Exit", "Abort"}:
        return int(getattr(error, "exit_code", 1))
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        output.note(f"error[{_errno(error)}]: {error.strerror or error}{where}")
        return 74
    if os.environ.get("ASSETFLOW_TRACEBACK") or "-v" in arguments:
        raise error
    output.note(f"error[internal]: {type(error).__name__}: {error}")
    output.note("hint: this is a fault of assetflow, please report it; ASSETFLOW_TRACEBACK=1 shows where it happened")
    return 70


def _errno(error: OSError) -> str:
    import errno  # noqa: PLC0415

    return {errno.ENOSPC: "disk-full", errno.EROFS: "read-only", errno.EACCES: "not-permitted"}.get(
        error.errno or 0, "io"
    )

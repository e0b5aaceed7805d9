"""``python -m assetflow`` and the console script."""

import atexit
import os
import sys
import threading
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    from assetflow.cli.main import run  # noqa: PLC0415 - so that only running loads the command line

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """End the process as Python does, but without taking libraries apart.

    Their C++ threads may still be starting when a command ends, and then abort a process whose work is done: pyarrow
    does in up to a tenth of the commands that end right after reading a table. All that has to happen at the end has
    happened before: threads are waited for, exit functions called, streams flushed.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter calls first
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # whoever read it is gone, or it was closed
            continue
    os._exit(code)


if __name__ == "__main__":
    main()

"""``python -m assetflow`` and the console script."""

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    from assetflow.cli.main import run  # noqa: PLC0415 - so that only running loads the command line

    code = run(sys.argv[1:])
    gc.freeze()  # the interpreter would look through all of it twice before it ends
    sys.exit(code)


if __name__ == "__main__":
    main()

"""``python -m assetflow`` and the console script."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    from assetflow.cli.main import run  # noqa: PLC0415 - so that only running loads the command line

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

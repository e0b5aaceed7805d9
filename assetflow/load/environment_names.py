"""The environment's name, which may hold who works here and on which branch."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from pathlib import Path

from assetflow.errors import UsageError

__all__ = ["environment_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_PLACE = re.compile(r"\{(\w*)\}")


def environment_name(written: str, root: Path, origin: str, environ: Mapping[str, str]) -> str:
    """The name with ``{user}`` and ``{branch}`` filled in; signs in these that no name may hold become ``-``.

    Raises UsageError ``bad-environment``.
    """

    def filled(match: re.Match[str]) -> str:
        match match.group(1):
            case "user":
                return _plain(_user(environ))
            case "branch":
                return _plain(_branch(root, origin))
            case other:
                raise UsageError(
                    "bad-environment",
                    f"the environment {written!r} holds {{{other}}}",
                    where=[origin],
                    hint="{user} and {branch} can be filled in",
                )

    name = _PLACE.sub(filled, written)
    if not _NAME.match(name):
        raise UsageError(
            "bad-environment",
            f"{name!r} cannot name an environment",
            where=[origin],
            hint="use letters, digits, '.', '_' and '-', and begin with a letter or digit",
        )
    return name


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")


def _user(environ: Mapping[str, str]) -> str:
    try:
        return environ.get("USER") or getpass.getuser()
    except (OSError, KeyError):  # no such user, as in some containers
        return "nobody"


def _branch(root: Path, origin: str) -> str:
    for folder in (root, *root.parents):
        git = folder / ".git"
        if git.is_file():  # a worktree: the file says where its folder is
            git = folder / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = git / "HEAD"
        if head.is_file():
            text = head.read_text(encoding="utf-8").strip()
            if text.startswith("ref: refs/heads/"):
                return text.removeprefix("ref: refs/heads/")
            return f"commit-{text[:12]}"
    raise UsageError(
        "bad-environment",
        f"the environment holds {{branch}}, but {root} is in no git repository",
        where=[origin],
    )

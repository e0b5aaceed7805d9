"""Exceptions as values: what is recorded and shown of one, whatever its own methods do."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path

from assetflow.errors import AssetflowError
from assetflow.model.journal import Failure
from assetflow.run.classify import Diagnosis

__all__ = ["failure_of", "message_of", "whole_traceback"]

#: Longer messages are cut: a failure is a row in the catalog.
_LONGEST_MESSAGE = 20_000
_LONGEST_TRACEBACK = 60_000

_OURS = str(Path(__file__).parents[1]) + os.sep
_LIBRARIES = tuple({sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_SITE = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def failure_of(error: BaseException, verdict: Diagnosis, masked: Callable[[str], str]) -> Failure:
    """What is kept of an error: bare class name, message, reason and the user's frames, without secrets."""
    return Failure(
        kind=verdict.kind,
        type=type(error).__name__,
        message=_cut(masked(message_of(error)), _LONGEST_MESSAGE),
        reason=_cut(masked(verdict.reason), _LONGEST_MESSAGE),
        traceback=_cut(masked(_user_traceback(error)), _LONGEST_TRACEBACK),
    )


def message_of(error: BaseException) -> str:
    """The error's text, also where its ``__str__`` or ``__repr__`` raises."""
    if isinstance(error, SystemExit):
        return f"the function called sys.exit({_repr(error.code)})"
    if isinstance(error, AssetflowError):
        return "\n".join([error.message, *error.where, *([f"hint: {error.hint}"] if error.hint else [])])
    try:
        return str(error)
    except Exception as second:
        texts = [argument for argument in error.args if type(argument) is str]
        told = f"(its __str__ raised {type(second).__name__})"
        return " ".join([*texts, told])


def whole_traceback(error: BaseException) -> str:
    """The traceback with every frame and every cause, as Python prints it."""
    return _storable("".join(_examined(error).format()))


def _user_traceback(error: BaseException) -> str:
    examined = _examined(error)
    _keep_user_frames(examined)
    if isinstance(error, AssetflowError):  # it says itself what is wrong: how a library came to it is nobody's concern
        users = [frame for frame in examined.stack if _is_user(frame.filename)]
        examined.stack = traceback.StackSummary.from_list(users)
    return "".join(examined.format()).rstrip("\n")


def _examined(error: BaseException) -> traceback.TracebackException:
    return traceback.TracebackException.from_exception(error, limit=-200, compact=True)


def _keep_user_frames(examined: traceback.TracebackException) -> None:
    """Drop our frames and libraries' from an examined exception and all it was caused by; never all of them."""
    pending = [examined]
    while pending:
        one = pending.pop()
        foreign = [frame for frame in one.stack if not frame.filename.startswith(_OURS)]
        users = [frame for frame in foreign if _is_user(frame.filename)]
        one.stack = traceback.StackSummary.from_list(users or foreign)
        pending += [inner for inner in (one.__cause__, one.__context__, *(one.exceptions or ())) if inner is not None]


def _is_user(filename: str) -> bool:
    if any(part in filename for part in _SITE) or filename.startswith("<frozen "):
        return False
    return not filename.startswith(_LIBRARIES)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _cut(text: str, most: int) -> str:
    text = _storable(text)
    return text if len(text) <= most else f"{text[:most]} … ({len(text) - most} characters more)"


def _storable(text: str) -> str:
    """The text without lone surrogates, which no file or database takes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

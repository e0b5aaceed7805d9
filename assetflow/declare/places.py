"""Where something is declared: the module that is being imported, the file and the line."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any, NamedTuple

__all__ = ["Place", "calling_place", "function_place", "local_classes"]

_OWN = __name__.rpartition(".")[0]


class Place(NamedTuple):
    """A line of the project's code, and the module whose import executed it."""

    module: str
    #: Absolute path; empty where there is no source.
    file: str
    line: int


def function_place(function: Any) -> Place:  # whatever was decorated
    """The place of the function's first line; its module is the one whose import declared it, as for factories."""
    inner = function
    while (wrapped := getattr(inner, "__wrapped__", None) or getattr(inner, "func", None)) is not None:
        inner = wrapped
    code = getattr(inner, "__code__", None)
    caller = _caller()
    module = _importing(caller) or getattr(function, "__module__", None) or caller.f_globals.get("__name__", "")
    if isinstance(code, CodeType):
        return Place(module, code.co_filename, code.co_firstlineno)
    return Place(module, caller.f_code.co_filename, caller.f_lineno)


def calling_place() -> Place:
    """The place of the call that entered this package."""
    caller = _caller()
    module = _importing(caller) or caller.f_globals.get("__name__", "")
    return Place(module, caller.f_code.co_filename, caller.f_lineno)


def local_classes(function: Any) -> tuple[type, ...]:  # whatever was decorated
    """The classes local to the function in which another is being declared; none where it stands in a module."""
    if "<locals>" not in getattr(function, "__qualname__", ""):
        return ()
    return tuple(value for value in _caller().f_locals.values() if isinstance(value, type))


def _caller() -> FrameType:
    """The innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OWN):
        frame = frame.f_back
    return frame


def _importing(frame: FrameType) -> str:
    """The module whose import is executing the frame; empty when none is."""
    outer: FrameType | None = frame
    while outer is not None:
        if outer.f_code.co_name == "<module>":
            name: str = outer.f_globals.get("__name__", "")
            # Only a module that is being imported declares: under pytest or in a notebook, the outermost module
            # of the stack is the program, which has nothing to do with the declaration.
            spec = getattr(sys.modules.get(name), "__spec__", None)
            return name if getattr(spec, "_initializing", False) else ""
        outer = outer.f_back
    return ""

"""Loading a project a second time, in a process of its own: what the two loads read differently is decided by the
clock, by chance or by the order of a set, and makes its assets stale at every command.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from assetflow.errors import AssetflowError, DefinitionError
from assetflow.load.code.differences import Difference, unstable
from assetflow.load.definitions import Loaded
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.model.keys import AssetKey
from assetflow.model.versions import CodeVersion

__all__ = ["SecondLoad", "answer"]

#: The first load has ended by then: a second one that has not is not waited for.
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class _Read:
    """What a load found, as far as two loads can differ."""

    nodes: Mapping[AssetKey, str]
    code: Mapping[AssetKey, CodeVersion]
    broken: tuple[str, ...]

    @classmethod
    def of(cls, loaded: Loaded) -> Self:
        return cls({key: node.digest for key, node in loaded.graph.nodes.items()}, dict(loaded.code), loaded.broken)


class SecondLoad:
    """Begun before the first load, so that both go on at once. Use it as a context manager: it ends with the block."""

    def __init__(self, settings: Settings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {__name__} import answer; answer()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._order = pickle.dumps((settings, sys.path))

    def warnings(self, first: Loaded) -> tuple[AssetflowError, ...]:
        """What differs between the first load and this one: ``not-deterministic``, once for each cause."""
        try:
            answer, _ = self._process.communicate(self._order, timeout=_PATIENCE)
            second: _Read = pickle.loads(answer)
        except (subprocess.TimeoutExpired, pickle.UnpicklingError, EOFError, OSError):
            return (_warning("a second load of the project does not end as the first one did", []),)
        return tuple(_told(_Read.of(first), second, first))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _told(first: _Read, second: _Read, loaded: Loaded) -> Iterator[AssetflowError]:
    if first.broken != second.broken:
        names = ", ".join(sorted({*first.broken} ^ {*second.broken}))
        yield _warning(f"{names} is imported by one of two loads, and fails in the other", [])
        return
    lines = {key: f"{key}   {bound.where}" for key, bound in loaded.bound.items()}
    if odd := sorted(first.nodes.keys() ^ second.nodes.keys()):
        yield _warning(
            f"{_several(odd)} {'is' if len(odd) == 1 else 'are'} declared by one of two loads only",
            [lines[key] for key in odd if key in lines],
        )
    causes: dict[Difference, list[AssetKey]] = {}
    differing = unstable(first.code, second.code)
    for key, found in differing.items():
        for difference in found:
            causes.setdefault(difference, []).append(key)
    for difference, keys in causes.items():
        yield _warning(f"two loads read differently: {difference}", [lines[key] for key in sorted(keys)])
    both = first.nodes.keys() & second.nodes.keys() - differing.keys()
    for key in sorted(both):
        if first.nodes[key] != second.nodes[key]:
            yield _warning(f"{key} is declared differently by two loads", [lines[key]] if key in lines else [])


def _several(keys: Sequence[AssetKey]) -> str:
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return ", ".join(map(str, keys[:3])) + more


def _warning(message: str, where: Sequence[str]) -> AssetflowError:
    more = [f"and {len(where) - 3} more"] if len(where) > 3 else []
    return DefinitionError(
        "not-deterministic",
        message,
        where=[*where[:3], *more],
        hint="such assets are stale at every command: read it inside the function, or set version=",
    )


def answer() -> None:
    """Load what the order says and answer. The project's own output goes nowhere. This is the child's whole program."""
    settings, path = pickle.load(sys.stdin.buffer)
    sys.path[:] = path
    told = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with told:
        pickle.dump(_Read.of(load(settings)), told)

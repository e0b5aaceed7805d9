"""Resources: opened once per process on first use, closed in reverse at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, TypeAlias

from assetflow import resource as resources
from assetflow.run.loop import EventLoop

__all__ = ["OpenedResources"]

Entering: TypeAlias = AbstractContextManager[Any] | AbstractAsyncContextManager[Any]

_log = logging.getLogger("assetflow.run")


class OpenedResources:
    """The resources of one process. Any thread may ask; a resource is opened by the first that does."""

    def __init__(self, configured: Mapping[str, object], loop: EventLoop) -> None:
        self._configured = configured
        self._loop = loop
        self._values: dict[str, Any] = {}
        self._entered: list[tuple[str, Entering]] = []
        self._locks = {name: threading.Lock() for name in configured}

    def get(self, name: str) -> Any:
        """What the function is given: what entering the resource gives.

        An error while opening is the step's, and the next step that asks tries again.
        """
        with self._locks[name]:
            if name not in self._values:
                entering = resources.opened(self._configured[name])
                if isinstance(entering, AbstractContextManager):
                    self._values[name] = entering.__enter__()
                else:
                    self._values[name] = self._loop.run(_entered(entering))
                self._entered.append((name, entering))
            return self._values[name]

    def close(self) -> None:
        """Close them in reverse. An error is reported and keeps none of the others open."""
        while self._entered:
            name, entered = self._entered.pop()
            self._values.pop(name, None)
            try:
                if isinstance(entered, AbstractContextManager):
                    entered.__exit__(None, None, None)
                else:
                    self._loop.run(_left(entered))
            except Exception:
                _log.exception("resource %s could not be closed", name)


async def _entered(entering: AbstractAsyncContextManager[Any]) -> Any:  # what the function is given
    return await entering.__aenter__()


async def _left(entered: AbstractAsyncContextManager[Any]) -> None:
    await entered.__aexit__(None, None, None)

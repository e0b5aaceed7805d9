"""Resources: opened once per process on first use, closed in reverse at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from assetflow import resource as resources

__all__ = ["OpenedResources"]

_log = logging.getLogger("assetflow.run")


class OpenedResources:
    """The resources of one process. Any thread may ask; a resource is opened by the first that does."""

    def __init__(self, configured: Mapping[str, object]) -> None:
        self._configured = configured
        self._values: dict[str, Any] = {}
        self._entered: list[tuple[str, AbstractContextManager[Any]]] = []
        self._locks = {name: threading.Lock() for name in configured}

    def get(self, name: str) -> Any:
        """What the function is given: what entering the resource gives.

        An error while opening is the step's, and the next step that asks tries again.
        """
        with self._locks[name]:
            if name not in self._values:
                entering = resources.opened(self._configured[name])
                self._values[name] = entering.__enter__()
                self._entered.append((name, entering))
            return self._values[name]

    def close(self) -> None:
        """Close them in reverse. An error is reported and keeps none of the others open."""
        while self._entered:
            name, entered = self._entered.pop()
            self._values.pop(name, None)
            try:
                entered.__exit__(None, None, None)
            except Exception:
                _log.exception("resource %s could not be closed", name)

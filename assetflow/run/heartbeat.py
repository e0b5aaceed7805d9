"""The thread that keeps a run's leases alive while its steps are busy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

__all__ = ["heartbeat"]

_log = logging.getLogger("assetflow.run")


@contextmanager
def heartbeat(renew: Callable[[], None], lease: timedelta) -> Iterator[None]:
    """Call ``renew`` every third of a lease until the end of the block. An error is reported; the beat goes on:
    a lease that was really lost is found out by the commit."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(lease.total_seconds() / 3):
            try:
                renew()
            except Exception as error:
                _log.warning("the leases of this run could not be renewed: %s", error)

    thread = threading.Thread(target=beat, name="assetflow-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)

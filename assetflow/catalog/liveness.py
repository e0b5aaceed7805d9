"""Whether a run's process is still there: at once on the same machine, by its silence elsewhere."""

from __future__ import annotations

import functools
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

from assetflow.errors import UsageError

__all__ = ["Process", "alive", "here", "lease_seconds", "now_micros"]


class Process(NamedTuple):
    """One process, told from every other one that ever was or will be, anywhere."""

    host: str
    #: Changes with each start of the machine; empty where it cannot be known.
    boot: str
    #: Process ids mean something only within it: containers on one machine have their own.
    namespace: str
    pid: int
    #: Clock ticks since boot; 0 where it cannot be known.
    started: int


def here() -> Process:
    """This process."""
    host, boot, namespace = _machine(os.getpid())
    return Process(host, boot, namespace, os.getpid(), _started(os.getpid()) or 0)


@functools.lru_cache(maxsize=4)
def _machine(pid: int) -> tuple[str, str, str]:
    del pid  # a forked child asks again
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - a name like pid:[4026531836], not a path
    except OSError:
        boot = namespace = ""
    return socket.gethostname(), boot, namespace


def _started(pid: int) -> int | None:
    """When the process with this id started; None if there is none, or only its corpse."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _answers(pid)
    except OSError:
        return 0
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


def _answers(pid: int) -> int | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return 0


def alive(process: Process, alive_until: int) -> bool:
    """Whether a run of this process, whose last heartbeat said ``alive_until``, may still commit.

    A run here is dead as soon as its process is. Anywhere, and here too if its process hangs, it is dead once it has
    been silent for its lease and one heartbeat more.
    """
    me = here()
    if process[:3] == me[:3]:
        started = _started(process.pid)
        if started is None or (process.started and started and started != process.started):
            return False
    return now_micros() < alive_until + lease_seconds() * 1_000_000 / 3


def lease_seconds() -> float:
    """How long a lease is good for without a heartbeat: 30, or ``ASSETFLOW_LEASE_SECONDS``."""
    text = os.environ.get("ASSETFLOW_LEASE_SECONDS", "30")
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise UsageError("bad-setting", f"ASSETFLOW_LEASE_SECONDS is {text!r}, not a number of seconds")
    return value


def now_micros() -> int:
    """The machine's own time, whatever clock a test has turned: leases are between real processes."""
    return time.time_ns() // 1000

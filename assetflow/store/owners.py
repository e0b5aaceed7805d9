"""Which process something temporary belongs to, and whether that process is still alive.

An owner is written ``<pid>-<start time>-<boot>-<place>``: the start time tells two processes of one number apart, the
boot id two runs of the machine, the place (host and process namespace) what cannot be judged from here.
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import blake2b
from pathlib import Path

__all__ = ["is_dead", "owner"]


def owner() -> str:
    """This process, as text that can stand in a file name."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> str:  # asked by pid, so that a forked child does not take itself for its parent
    return f"{pid}-{_started(pid) or 0}-{_boot()}-{_place()}"


def is_dead(text: str) -> bool:
    """Whether the process is certainly gone. One on another host or in another namespace is left alone."""
    pid, start, boot, place = (*text.split("-"), "", "", "", "")[:4]
    if not pid.isdecimal() or place != _place():
        return False
    if boot != _boot():
        return True
    started = _started(int(pid))
    return started is None or (start != "0" and str(started) != start)


def _started(pid: int) -> int | None:
    """When a process started, in clock ticks after boot; None when there is none, 0 where that cannot be known."""
    try:
        # The second field is the command in brackets and may itself hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _signalled(pid)
    except OSError:
        return 0
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def _signalled(pid: int) -> int | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return 0


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().decode().strip()
    except OSError:
        return ""


@cache
def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id").replace("-", "") or "0"


@cache
def _place() -> str:
    try:
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115  it is no path
    except OSError:
        namespace = ""
    return blake2b(f"{os.uname().nodename}\0{namespace}".encode(), digest_size=4).hexdigest()

"""``doctor``: what may be wrong with the machine, the catalog and the store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from assetflow.catalog.records import Problem
from assetflow.errors import AssetflowError
from assetflow.upkeep.gc import leftover_files
from assetflow.upkeep.past import Past

__all__ = ["examined"]

#: File systems on which SQLite's locks cannot be trusted.
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph"}


def examined(past: Past, catalog: Path, mistakes: Sequence[AssetflowError]) -> tuple[Problem, ...]:
    """What was found, the worst first: records and bytes, leftover files, the disk, the code."""
    found = list(past.verify())
    kind = _file_system(catalog.parent)
    if kind in _NETWORK:
        found.append(
            Problem(
                code="network-disk",
                message=f"{catalog} lies on a network disk ({kind}): SQLite's locks cannot be trusted there",
                hint="keep the catalog on a local disk",
            )
        )
    left = leftover_files(past.catalog, past.store) if past.catalog.found else []
    if left:
        size = sum(each.bytes for each in left)
        found.append(
            Problem(
                code="leftover-files",
                message=f"{len(left)} stored files ({size:,} bytes) belong to no record, such as {left[0].name}",
                hint="they do no harm; assetflow gc removes them, what nobody here wrote with --unknown",
            )
        )
    found += [Problem(code=m.code, message=m.message, hint=m.hint or "assetflow validate tells more") for m in mistakes]
    return tuple(found)


def _file_system(folder: Path) -> str:
    """The type of the file system that a folder is on; empty where that cannot be told."""
    best, kind = "", ""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        _, place, found, *_ = line.split(" ")
        if (str(folder) + os.sep).startswith(place.rstrip("/") + "/") and len(place) > len(best):
            best, kind = place, found
    return kind

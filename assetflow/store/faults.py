"""What the file system says when the answer is no, as one clear line each."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from assetflow.errors import StorageError

__all__ = ["storage_fault", "storing"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
#: Raised while user code may be running (a lazy table that reads its files), these can only be the machine's.
_OURS = _FULL | {errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}


def storage_fault(error: OSError, what: str) -> StorageError:
    """The error to raise for one of the operating system's: ``disk-full``, ``store-read-only`` or ``store-error``.

    ``what`` says what was tried, on what: ``"write shop/orders/_/1k.parquet"``.
    """
    # Some libraries wrap the system's words in their own.
    reason = os.strerror(error.errno) if error.errno else str(error)
    match error.errno:
        case number if number in _FULL:
            hint = "make room on its disk, then materialize again"
            if number == errno.EFBIG:
                hint = "raise the limit on the size of files (ulimit -f), then materialize again"
            return StorageError("disk-full", f"cannot {what}: {reason}", hint=hint)
        case number if number in _DENIED:
            return StorageError(
                "store-read-only", f"cannot {what}: {reason}", hint="give this user the right to write to the store"
            )
        case errno.EMFILE | errno.ENFILE:
            return StorageError(
                "store-error", f"cannot {what}: {reason}", hint="raise the limit on open files (ulimit -n)"
            )
    return StorageError("store-error", f"cannot {what}: {reason}")


@contextmanager
def storing(what: str, *, user_code: bool = False) -> Iterator[None]:
    """Turn OSError into StorageError; with ``user_code`` only those that can be the store's alone."""
    try:
        yield
    except OSError as error:
        if user_code and error.errno not in _OURS:
            raise
        raise storage_fault(error, what) from error

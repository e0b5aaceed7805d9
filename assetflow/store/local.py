"""A store in a folder of this machine.

A blob that is a file lies at ``<root>/<name>``, one that is a folder at ``<root>/<name>.folder``, so that neither is
taken for a folder of blobs. What is being written lies in ``<root>/.staging/<process>/<random>/``: on the same device
as its target, also where ``/tmp`` is another one. What was found damaged lies in ``<root>/.damaged/<random>/``. Files
get a name by ``link``, which never overwrites; folders by ``rename`` under a lock. Links are not followed anywhere
below the root. Folders are 0700, files 0600.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from assetflow.errors import StorageError
from assetflow.store.faults import storing
from assetflow.store.names import checked_name
from assetflow.store.owners import is_dead, owner

__all__ = ["LocalStore"]

_STAGING: Final = ".staging"
_DAMAGED: Final = ".damaged"
_OUTSIDE: Final = frozenset({_STAGING, _DAMAGED})
_LOCK: Final = ".publishing"
_FOLDER: Final = ".folder"
#: Folders of these first levels (group and asset) stay when they are empty: once durable, they are durable for ever.
_KEPT_LEVELS: Final = 2
#: Journaling file systems put syncs that wait together into one write.
_SYNCING: Final = 8
_OPEN_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalStore:
    """Blobs below one folder, which the first write makes. Fulfils :class:`assetflow.model.storage.Store`.

    Safe to use from several threads and processes at once.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100  resolve() would follow links at each call
        self._durable: set[tuple[str, ...]] = set()

    @property
    def url(self) -> str:
        """The folder."""
        return str(self._root)

    def stage(self, name: str) -> Path:
        """A path beside the target that does not exist yet, with the target's last part, for :meth:`publish`."""
        parts = _parts(name)
        with storing(f"write {name}"):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._folder((_STAGING, owner()), make=True) as folder:
                box = secrets.token_hex(12)
                os.mkdir(box, 0o700, dir_fd=folder)
        return self._root / _STAGING / owner() / box / parts[-1]

    def publish(self, staged: Path, name: str) -> None:
        """Give the staged bytes their name. Raises StorageError ``blob-exists`` and leaves the old ones."""
        parts = _parts(name)
        with storing(f"write {name}"):
            mode = staged.lstat().st_mode
            if stat.S_ISREG(mode):
                staged.chmod(0o600)
                self._retried(partial(self._link, staged, parts))
            elif stat.S_ISDIR(mode):
                _close(staged)
                self._retried(partial(self._rename, staged, parts))
            else:
                raise StorageError("store-error", f"cannot write {name}: what was staged is neither file nor folder")
            with suppress(OSError):
                staged.parent.rmdir()

    def _retried(self, step: partial[None]) -> None:
        """Do it again where a folder was removed by a ``delete`` in between."""
        for _ in range(20):
            with suppress(FileNotFoundError):
                return step()
        return step()

    def _link(self, staged: Path, parts: tuple[str, ...]) -> None:
        name = "/".join(parts)
        if parts[-1].endswith(_FOLDER):
            raise StorageError("bad-blob-name", f"{name}: only folders' names end in {_FOLDER}")
        with self._folder(parts[:-1], make=True) as folder:
            if _mode(parts[-1] + _FOLDER, folder) is not None:
                raise _exists(name)
            try:
                os.link(staged, parts[-1], dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                raise _exists(name) from None
            except OSError as error:
                if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}:
                    raise
                self._move(staged, parts[-1], name, folder)  # a file system without links
                return
        staged.unlink()

    def _rename(self, staged: Path, parts: tuple[str, ...]) -> None:
        with self._folder(parts[:-1], make=True) as folder:
            if _mode(parts[-1], folder) is not None:
                raise _exists("/".join(parts))
            self._move(staged, parts[-1] + _FOLDER, "/".join(parts), folder)

    def _move(self, staged: Path, last: str, name: str, folder: int) -> None:
        """Rename, which may overwrite, so under a lock that dies with its process."""
        lock = self._root / _STAGING / _LOCK
        with ExitStack() as stack:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _mode(last, folder) is not None:
                raise _exists(name)
            os.rename(staged, last, dst_dir_fd=folder)

    def sync(self, names: Iterable[str]) -> None:
        """When this returns, the blobs and every folder on the way to them survive a power cut."""
        wanted = [(name, _parts(name)) for name in dict.fromkeys(names)]
        if not wanted:
            return
        with ThreadPoolExecutor(min(_SYNCING, len(wanted)), "assetflow-sync") as pool:
            for done in [pool.submit(self._sync_blob, name) for name, _ in wanted]:
                done.result()
        # Folders last, deepest first: an entry is worth something only once what it names is there.
        folders = {parts[:-1] for _, parts in wanted}
        ways = {parts[:depth] for _, parts in wanted for depth in range(len(parts))}
        folders |= {way[:-1] for way in ways - self._durable if way}
        for folder in sorted(folders, key=len, reverse=True):
            with storing(f"sync {'/'.join(folder) or self.url}"), self._folder(folder) as handle:
                os.fsync(handle)
        if () not in self._durable:
            self._sync_above()
        self._durable |= {way for way in ways if len(way) <= _KEPT_LEVELS}

    def _sync_above(self) -> None:
        """Make the root's own entry durable, and those of the folders above that were made with it."""
        device = self._root.stat().st_dev
        for folder in self._root.parents:
            if folder.stat().st_dev != device:
                return
            with suppress(PermissionError):  # a folder that we may not read is none that we made
                _fsync(folder)

    def _sync_blob(self, name: str) -> None:
        path = self.local(name)
        with storing(f"sync {name}"):
            if not path.is_dir():
                _fsync(path)
                return
            for folder, _, files in os.walk(path, topdown=False):
                for file in files:
                    _fsync(Path(folder, file))
                _fsync(Path(folder))

    def local(self, name: str) -> Path:
        """The path of a blob. Raises StorageError ``blob-missing``, also where a link was put in its place."""
        found = self._found(name)
        if found is None:
            raise StorageError(
                "blob-missing",
                f"{name} is not in the store",
                where=(self.url,),
                hint="assetflow materialize makes the value anew",
            )
        return found[0]

    def size(self, name: str) -> int | None:
        """Its size in bytes (of a folder: of all its files), or None if there is no such blob."""
        found = self._found(name)
        if found is None:
            return None
        path, status = found
        return status.st_size if stat.S_ISREG(status.st_mode) else _size(path)

    def names(self, prefix: str = "") -> Iterator[str]:
        """All blobs whose names begin with a prefix, in no order."""
        start = tuple(prefix.split("/")[:-1])
        return (name for name in self._below(start) if name.startswith(prefix))

    def _below(self, folder: tuple[str, ...]) -> Iterator[str]:
        waiting = [folder]
        while waiting:
            at = waiting.pop()
            try:
                with (
                    storing(f"list {'/'.join(at) or self.url}"),
                    self._folder(at) as handle,
                    os.scandir(handle) as found,
                ):
                    entries = [
                        (e.name, e.is_file(follow_symlinks=False), e.is_dir(follow_symlinks=False)) for e in found
                    ]
            except StorageError as error:
                if isinstance(error.__cause__, FileNotFoundError):
                    continue
                raise
            for name, is_file, is_folder in entries:
                if is_folder and name.endswith(_FOLDER):
                    yield "/".join((*at, name.removesuffix(_FOLDER)))
                elif is_folder and (at or name not in _OUTSIDE):
                    waiting.append((*at, name))
                elif is_file:
                    yield "/".join((*at, name))

    def delete(self, name: str) -> None:
        """Remove a blob; one that is not there is no error. It is gone at once, whatever happens meanwhile."""
        found = self._found(name)
        if found is None:
            return
        parts = _parts(name)
        with storing(f"delete {name}"), suppress(FileNotFoundError):
            if stat.S_ISREG(found[1].st_mode):
                with self._folder(parts[:-1]) as folder:
                    os.unlink(parts[-1], dir_fd=folder)
            else:
                # A folder goes to the staging area first, in one step, so that nobody finds half of it.
                box = self.stage(name)
                with self._folder(parts[:-1]) as folder:
                    os.rename(parts[-1] + _FOLDER, box, src_dir_fd=folder)
                shutil.rmtree(box.parent)
            if len(parts) - 1 > _KEPT_LEVELS:
                with self._folder(parts[:-2]) as folder, suppress(OSError):
                    os.rmdir(parts[-2], dir_fd=folder)

    def set_aside(self, name: str) -> None:
        """Take the name from a blob whose bytes are not its own any more; they stay below ``.damaged``."""
        found = self._found(name)
        if found is None:
            return
        parts = _parts(name)
        with (
            storing(f"set {name} aside"),
            suppress(FileNotFoundError),
            self._folder((_DAMAGED, secrets.token_hex(6)), make=True) as aside,
            self._folder(parts[:-1]) as folder,
        ):
            last = found[0].name
            os.rename(last, last, src_dir_fd=folder, dst_dir_fd=aside)

    def sweep(self, *, damaged: bool = False, dry_run: bool = False) -> int:
        """Remove what dead processes have staged, or with ``damaged`` what was set aside; give the bytes freed."""
        freed = 0
        folder = self._root / (_DAMAGED if damaged else _STAGING)
        with storing(f"sweep {folder}"):
            try:
                with os.scandir(folder) as found:
                    left = [e.path for e in found if e.is_dir(follow_symlinks=False) and (damaged or is_dead(e.name))]
            except FileNotFoundError:
                return 0
            for path in left:
                freed += _size(Path(path))
                if not dry_run:
                    shutil.rmtree(path, ignore_errors=True)
        return freed

    def _found(self, name: str) -> tuple[Path, os.stat_result] | None:
        """Where a blob lies, or None; links on the way count as nothing there."""
        parts = _parts(name)
        with storing(f"read {name}"):
            at = self._root
            for part in parts[:-1]:
                at /= part
                if not _is_folder(at):
                    return None
            for path, kind in ((at / parts[-1], stat.S_ISREG), (at / (parts[-1] + _FOLDER), stat.S_ISDIR)):
                with suppress(FileNotFoundError):
                    status = path.lstat()
                    if kind(status.st_mode) and not (kind is stat.S_ISREG and path.name.endswith(_FOLDER)):
                        return path, status
        return None

    @contextmanager
    def _folder(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """A folder below the root, open; no link on the way is followed."""
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for depth, part in enumerate(parts):
                try:
                    below = os.open(part, _OPEN_FOLDER, dir_fd=handle)
                except FileNotFoundError:
                    if not make:
                        raise
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=handle)
                    below = os.open(part, _OPEN_FOLDER, dir_fd=handle)
                except OSError as error:
                    if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
                        raise
                    place = "/".join(parts[: depth + 1])
                    raise StorageError(
                        "store-error",
                        f"{place} in the store is not a folder; links are not followed",
                        where=(self.url,),
                    ) from error
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)


def _parts(name: str) -> tuple[str, ...]:
    parts = checked_name(name)
    if parts[0] in _OUTSIDE or any(part.endswith(_FOLDER) for part in parts[:-1]):
        raise StorageError("bad-blob-name", f"{name!r} is not the name of a blob")
    return parts


def _exists(name: str) -> StorageError:
    return StorageError("blob-exists", f"{name} is in the store already, and nothing there is overwritten")


def _mode(name: str, folder: int) -> int | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _close(folder: Path) -> None:
    """0700 and 0600 for all below, refusing links: what they point to is not in the store."""
    folder.chmod(0o700)
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(at, name)
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise StorageError("store-error", f"{path.relative_to(folder)} is neither a file nor a folder")
            path.chmod(0o700 if stat.S_ISDIR(mode) else 0o600)


def _size(folder: Path) -> int:
    return sum(Path(at, file).lstat().st_size for at, _, files in os.walk(folder) for file in files)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

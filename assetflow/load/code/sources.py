"""Project modules: which they are, and running them from the very bytes that are hashed.

*Project code* is every module whose file lies under the project's folder and outside site-packages and virtual
environments. assetflow itself is never project code, not even in its own repository.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import linecache
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from assetflow.errors import DefinitionError
from assetflow.load.code.cache import CodeCache, Stat, stat_of
from assetflow.load.code.canonical import digest_bytes
from assetflow.load.code.files import SourceFile, Trees

__all__ = ["ProjectSources"]

_ASSETFLOW: Final = str(Path(__file__).resolve().parents[2]) + os.sep
_FOREIGN: Final = frozenset({"site-packages", "dist-packages"})


class ProjectSources:
    """The source files of one project, each read once: what runs is what is hashed."""

    def __init__(self, root: Path, *, cache: CodeCache | Path | None = None) -> None:
        self.root = root.resolve()
        self.cache = cache if isinstance(cache, CodeCache) else CodeCache(cache)
        #: The project's folder as it is and as it was named (it may be a link), each with a separator at its end.
        self.roots = tuple(sorted({str(self.root) + os.sep, str(root.absolute()) + os.sep}))
        self._is_project: dict[str, bool] = {}
        self._folders: dict[str, bool] = {}
        #: Path to the digest of the bytes that it was imported from, and its times then.
        self._digests: dict[str, tuple[str, Stat | None]] = {}
        self._bytes: dict[str, bytes] = {}
        self._files: dict[str, SourceFile | None] = {}
        self._trees = Trees()
        #: Modules that were imported through here.
        self.modules: dict[str, str] = {}

    def relative(self, path: str) -> str:
        """A path as people read it: from the project's folder on."""
        for prefix in self.roots:
            if path.startswith(prefix):
                return path[len(prefix) :].replace(os.sep, "/")
        return path

    def adopt(self, path: str) -> None:
        """Count one more file as project code: where an asset of a notebook, a test or another folder is written."""
        self._is_project[path] = True

    def is_project_file(self, path: str) -> bool:
        """Whether code in this file is project code."""
        found = self._is_project.get(path)
        if found is None:
            found = self._is_project[path] = path.startswith(self.roots) and self._is_own(path)
        return found

    def _is_own(self, path: str) -> bool:
        if os.path.realpath(path).startswith(_ASSETFLOW):
            return False
        inside = self.relative(path).split("/")[:-1]
        folder = str(self.root)
        for part in inside:
            folder = f"{folder}{os.sep}{part}"
            if part in _FOREIGN or self._is_environment(folder):
                return False
        return True

    def _is_environment(self, folder: str) -> bool:
        found = self._folders.get(folder)
        if found is None:
            found = self._folders[folder] = Path(folder, "pyvenv.cfg").exists()
        return found

    def is_project_folder(self, path: str) -> bool:
        """Whether modules in this folder are project code."""
        return self.is_project_file(f"{path}{os.sep}_")

    def may_hold_project(self, path: str) -> bool:
        """Whether project modules may be found from this place on Python's path."""
        return self.is_project_folder(path) or any(prefix.startswith(path + os.sep) for prefix in self.roots)

    def is_project(self, module: ModuleType) -> bool:
        """Whether a module is project code; a package without a file is, where one of its folders is."""
        names = vars(module)
        file = names.get("__file__")
        if isinstance(file, str):
            return self.is_project_file(file)
        spec = names.get("__spec__")
        places = getattr(spec, "submodule_search_locations", None) if isinstance(spec, ModuleSpec) else None
        return any(self.is_project_folder(place) for place in places or ())

    def is_project_name(self, name: str) -> bool:
        """Whether a module of that name, imported or not, is project code. Imports nothing."""
        if (module := sys.modules.get(name)) is not None:
            return self.is_project(module)
        top = name.partition(".")[0]
        if (module := sys.modules.get(top)) is not None:
            return self.is_project(module)
        try:
            spec = PathFinder.find_spec(top)
        except (ImportError, ValueError):
            return False
        if spec is None:
            return False
        if spec.origin:
            return self.is_project_file(spec.origin)
        return any(self.is_project_folder(place) for place in spec.submodule_search_locations or ())

    @contextlib.contextmanager
    def importing(self) -> Iterator[None]:
        """Within this, project modules run from bytes read here, never from a stale ``__pycache__``.

        Raises DefinitionError ``source-changed`` in the end if one of them was edited meanwhile.
        """
        before = set(self._digests)
        finder = _Finder(self)
        sys.meta_path.insert(0, finder)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
        if edited := self.changed(only=set(self._digests) - before):
            raise DefinitionError(
                "source-changed",
                f"{', '.join(self.relative(path) for path in edited)} was edited while it was being imported",
                where=[self.relative(path) for path in edited],
                hint="run the command again",
            )

    @property
    def imported(self) -> tuple[str, ...]:
        """The files of project code whose bytes were read."""
        return tuple(self._digests)

    def changed(self, *, only: set[str] | None = None) -> tuple[str, ...]:
        """Files whose bytes are no longer those that were imported: their code must not be recorded as having run."""
        return tuple(sorted(path for path in (self._digests if only is None else only) if self._is_changed(path)))

    def _is_changed(self, path: str) -> bool:
        digest, seen = self._digests[path]
        try:
            if stat_of(path) == seen and self.cache.digest(path) == digest:
                return False  # it was read when its last edit was long past, and its times have not moved since
            return digest_bytes(Path(path).read_bytes()) != digest
        except OSError:
            return True

    def compiled(self, name: str, path: str) -> CodeType:
        """A module's code, compiled from the bytes that are hashed. Raises what compiling raises, and OSError."""
        digest = self.digest(path)
        self.modules[name] = path
        code = self.cache.code(digest, path)
        if code is None:
            code = compile(self.bytes(path), path, "exec", dont_inherit=True)
            self.cache.keep_code(digest, path, code)
        return code

    def digest(self, path: str) -> str:
        """The digest of a file's bytes as they were when it was first asked for. Raises OSError."""
        if path not in self._digests:
            digest = self.cache.digest(path)
            if digest is not None:
                self._digests[path] = digest, stat_of(path)
            else:
                self._read(path)
        return self._digests[path][0]

    def bytes(self, path: str) -> bytes:
        """The bytes with :meth:`digest`. Raises DefinitionError ``source-changed`` where they are gone."""
        digest = self.digest(path)
        if path not in self._bytes:
            data = Path(path).read_bytes()
            if digest_bytes(data) != digest:
                raise DefinitionError(
                    "source-changed",
                    f"{self.relative(path)} was edited while the project was being loaded",
                    where=[self.relative(path)],
                    hint="run the command again",
                )
            self._bytes[path] = data
        return self._bytes[path]

    def _read(self, path: str) -> None:
        before = stat_of(path)
        data = Path(path).read_bytes()
        after = stat_of(path)
        self._bytes[path] = data
        digest = digest_bytes(data)
        self._digests[path] = digest, after if before == after else None
        if before == after:
            self.cache.remember(path, after, digest)

    def file(self, path: str) -> SourceFile | None:
        """A source file's pieces, of whatever file code says that it comes from; None where there is no source."""
        if path not in self._files:
            self._files[path] = self._opened(path)
        return self._files[path]

    def _opened(self, path: str) -> SourceFile | None:
        try:
            if path.endswith(".py") and Path(path).is_file():
                digest = self.digest(path)
                record = self.cache.record(digest)
                return SourceFile(path, self.relative(path), lambda: self.bytes(path), record, self._trees)
            lines = linecache.cache.get(path)  # a notebook's cell, a doctest: not a file, but its text is known
            if lines is not None and len(lines) == 4:
                return SourceFile(path, path, "".join(lines[2]).encode)
        except (OSError, SyntaxError, ValueError):
            pass
        return None

    def save_cache(self) -> None:
        """Keep what was compiled and read, for the next load. Disposable; only commands that write call this."""
        for path, file in self._files.items():
            if file is not None and path in self._digests and file.changed:
                self.cache.keep_record(self._digests[path][0], file.record)
        self.cache.save()

    def unload(self) -> None:
        """Forget the modules that were imported through here, so that importing them runs them again."""
        for name, path in self.modules.items():
            module = sys.modules.get(name)
            if module is not None and vars(module).get("__file__") == path:
                del sys.modules[name]
        self.modules.clear()


class _Finder:
    """Finds what Python's own finder finds, and gives project files to our loader."""

    def __init__(self, sources: ProjectSources) -> None:
        self._sources = sources

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a project module; None leaves all others to the finders after this one."""
        places = sys.path if path is None else list(path)
        near = [place for place in places if self._sources.may_hold_project(place or str(Path.cwd()))]
        if not near or PathFinder.find_spec(name, near, target) is None:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
            return None
        if not self._sources.is_project_file(spec.origin):
            return None
        spec.loader = _Loader(name, spec.origin, self._sources)
        spec.cached = None
        return spec


class _Loader(SourceFileLoader):
    """Runs a module from the bytes that are hashed."""

    def __init__(self, name: str, path: str, sources: ProjectSources) -> None:
        super().__init__(name, path)
        self._sources = sources

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        return self._sources.compiled(fullname, self.path)

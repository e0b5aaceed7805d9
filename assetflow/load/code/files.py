"""Source files read as pieces: the functions and classes in one, each in canonical form, found as Python knows them.

What is read from a file depends on its bytes alone, so a :class:`Record` may be kept by their digest.
"""

from __future__ import annotations

import ast
import gc
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Final, NamedTuple

from assetflow.load.code.canonical import Form, FunctionNode, canonical, digest
from assetflow.load.code.names import Dynamic, Reference
from assetflow.load.code.syntax import chain

__all__ = ["Decorator", "Imported", "Piece", "Record", "SourceFile", "Trees"]

#: How many bytes of source may be held as syntax trees.
TREES_OF: Final = 1_000_000

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS: Final = (*_FUNCTIONS, ast.ClassDef)


class Decorator(NamedTuple):
    """One decorator: what is called or named, as written, and the whole expression."""

    callee: tuple[str, ...]
    form: Form


class Piece(NamedTuple):
    """One function or class of a file."""

    form: Form
    decorators: tuple[Decorator, ...]
    docstring: str
    line: int
    last_line: int


class Imported(NamedTuple):
    """What a module's top-level import bound a name to."""

    module: str
    level: int
    #: What was taken from the module; empty: the module itself.
    member: str


class Record:
    """All that was ever read from a file of these bytes; it can be stored as plain tuples and dictionaries."""

    __slots__ = ("constants", "imports", "pieces", "postponed", "stars")

    def __init__(self) -> None:
        self.postponed = False
        #: Names bound by top-level imports; a name bound in several ways has several.
        self.imports: dict[str, list[Imported]] = {}
        self.stars: list[Imported] = []
        #: The line of each top-level assignment.
        self.constants: dict[str, int] = {}
        self.pieces: dict[str, Piece | None] = {}

    def stored(self) -> tuple[object, ...]:
        """As tuples, lists, dictionaries, texts and numbers."""
        return (
            self.postponed,
            {name: [tuple(i) for i in found] for name, found in self.imports.items()},
            [tuple(star) for star in self.stars],
            self.constants,
            {key: _stored_piece(piece) for key, piece in self.pieces.items()},
        )

    @classmethod
    def restored(cls, stored: Any) -> Record:  # what `stored` gave, from a file
        """The record that was stored. Raises ValueError or TypeError for what is none."""
        record = cls()
        record.postponed, imports, stars, record.constants, pieces = stored
        record.imports = {name: [Imported(*i) for i in found] for name, found in imports.items()}
        record.stars = [Imported(*star) for star in stars]
        record.pieces = _Pieces(pieces)
        return record


class _Pieces(dict[str, Piece | None]):
    """Pieces, restored one by one as they are asked for: most of a large project's are not."""

    def __init__(self, stored: dict[str, Any]) -> None:  # as Record.stored gave them
        super().__init__()
        self.stored = stored

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self.stored

    def __missing__(self, key: str) -> Piece | None:
        stored = self.stored[key]
        piece = None if stored is None else _restored_piece(stored)
        self[key] = piece
        return piece


def _stored_form(form: Form) -> tuple[object, ...]:
    return (form[0], [tuple(r) for r in form.references], [tuple(d) for d in form.dynamic], *form[3:])


def _restored_form(stored: Any) -> Form:  # as _stored_form gave it
    digest_, references, dynamic, *rest = stored
    made = tuple.__new__  # what Reference(*r) comes to, without the call: every load restores a few for each asset
    return Form(digest_, tuple([made(Reference, r) for r in references]), tuple([Dynamic(*d) for d in dynamic]), *rest)


def _stored_piece(piece: Piece | None) -> object:
    if piece is None:
        return None
    decorators = [(d.callee, _stored_form(d.form)) for d in piece.decorators]
    return (_stored_form(piece.form), decorators, *piece[2:])


def _restored_piece(stored: Any) -> Piece:  # as _stored_piece gave it
    form, decorators, *rest = stored
    return Piece(_restored_form(form), tuple(Decorator(c, _restored_form(f)) for c, f in decorators), *rest)


class Trees:
    """Syntax trees of the files used last. Trees are some 75 times the size of their text: not all can be kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[SourceFile, int] = OrderedDict()
        self._size = 0

    def parsed(self, file: SourceFile, source: bytes) -> ast.Module:
        """Parse a file; what was parsed longest ago may be let go."""
        collecting = gc.isenabled()
        gc.disable()  # a tree has no cycles, and looking for them takes longer than parsing
        try:
            tree = ast.parse(source, file.path)
        finally:
            if collecting:
                gc.enable()
        self._kept[file] = len(source)
        self._size += len(source)
        while self._size > TREES_OF and len(self._kept) > 1:
            oldest, size = self._kept.popitem(last=False)
            oldest.let_go()
            self._size -= size
        return tree


class SourceFile:
    """One Python file's pieces. The text is parsed only when something new is asked of it."""

    def __init__(
        self,
        path: str,
        relative: str,
        read: Callable[[], bytes],
        record: Record | None = None,
        trees: Trees | None = None,
    ) -> None:
        self.path = path
        self.relative = relative
        self._read = read
        self._trees = trees or Trees()
        self._functions: dict[tuple[int, str], FunctionNode] = {}
        self._classes: dict[str, list[ast.ClassDef]] = {}
        self._lambdas: dict[int, list[ast.Lambda]] | None = None
        self._tree: ast.Module | None = None
        self.changed = record is None
        self.record = record or self._indexed(Record())

    def function(self, code: CodeType, *, way: str = "whole") -> Piece | None:
        """The function that a code object was compiled from; None where the file has none such."""
        line, name = code.co_firstlineno, code.co_name
        span = _span(code) if name == "<lambda>" else ()
        key = f"{way} {line} {name} {span}" if span else f"{way} {line} {name}"
        if key not in self.record.pieces:
            node: FunctionNode | None
            if name == "<lambda>":
                node = self._lambda(line, span)
            else:
                self._parsed()
                node = self._functions.get((line, name))
            self._add(key, None if node is None else self._piece(node, way))
        return self.record.pieces[key]

    def lambdas_on(self, line: int) -> tuple[Form, ...]:
        """All lambdas of a line, for where they cannot be told apart."""
        self._parsed()
        return tuple(canonical(node) for node in self._all_lambdas().get(line, ()))

    def class_(self, qualified_name: str, *, way: str = "whole") -> tuple[Piece, ...]:
        """The classes of that qualified name: several where the file defines it more than once."""
        pieces: list[Piece] = []
        while True:
            key = f"{way} class {qualified_name} {len(pieces)}"
            if key not in self.record.pieces:
                self._parsed()
                nodes = self._classes.get(qualified_name, [])
                more = len(pieces) < len(nodes)
                self._add(key, self._piece(nodes[len(pieces)], way) if more else None)
            piece = self.record.pieces[key]
            if piece is None:
                return tuple(pieces)
            pieces.append(piece)

    def _add(self, key: str, piece: Piece | None) -> None:
        self.record.pieces[key] = piece
        self.changed = True

    def _piece(self, node: FunctionNode | ast.ClassDef, way: str) -> Piece:
        functional = isinstance(node, _FUNCTIONS)
        decorators = tuple(_decorator(d) for d in node.decorator_list) if isinstance(node, _FUNCTIONS) else ()
        docstring = "" if isinstance(node, ast.Lambda) else ast.get_docstring(node) or ""
        postponed = self.record.postponed and (functional or isinstance(node, ast.ClassDef))
        form = canonical(node, way=way, postponed=postponed)
        return Piece(form, decorators, inspect.cleandoc(docstring), node.lineno, node.end_lineno or node.lineno)

    def _parsed(self) -> ast.Module:
        if self._tree is None:
            self._tree = self._trees.parsed(self, self._read())
            for prefix, node in _definitions(self._tree):
                if isinstance(node, ast.ClassDef):
                    self._classes.setdefault(prefix + node.name, []).append(node)
                else:
                    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                    self._functions[first, node.name] = node
        return self._tree

    def let_go(self) -> None:
        """Forget the tree; it is parsed again when something new is asked for."""
        self._tree = self._lambdas = None
        self._functions = {}
        self._classes = {}

    def _all_lambdas(self) -> dict[int, list[ast.Lambda]]:
        if self._lambdas is None:
            self._lambdas = {}
            for node in ast.walk(self._parsed()):
                if isinstance(node, ast.Lambda):
                    self._lambdas.setdefault(node.lineno, []).append(node)
        return self._lambdas

    def _lambda(self, line: int, span: tuple[int, ...]) -> ast.Lambda | None:
        """The lambda whose body is the smallest that holds all of the code's positions."""
        nodes = self._all_lambdas().get(line, [])
        if not span:
            return nodes[0] if len(nodes) == 1 else None
        holding = [node for node in nodes if _holds(node.body, span)]
        return min(holding, key=_extent, default=None)

    def _indexed(self, record: Record) -> Record:
        self.record = record
        for statement in _top_level(self._parsed()):
            match statement:
                case ast.Import(names=names):
                    for alias in names:
                        module = alias.name if alias.asname else alias.name.partition(".")[0]
                        record.imports.setdefault(alias.asname or module, []).append(Imported(module, 0, ""))
                case ast.ImportFrom(module=name, level=level, names=names):
                    record.postponed |= name == "__future__" and any(alias.name == "annotations" for alias in names)
                    for alias in names:
                        found = Imported(name or "", level, alias.name)
                        if alias.name == "*":
                            record.stars.append(found)
                        else:
                            record.imports.setdefault(alias.asname or alias.name, []).append(found)
                case _:
                    record.constants.update(_assigned(statement))
        return record


def _decorator(node: ast.expr) -> Decorator:
    return Decorator(chain(node.func if isinstance(node, ast.Call) else node), canonical(node))


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """All functions and classes with the qualified name of what they stand in."""
    stack: list[tuple[str, Any]] = [("", statement) for statement in reversed(tree.body)]  # statements and their parts
    while stack:
        prefix, node = stack.pop()
        if isinstance(node, _DEFINITIONS):
            yield prefix, node
            prefix += node.name + ("." if isinstance(node, ast.ClassDef) else ".<locals>.")
        for field in ("finalbody", "handlers", "cases", "orelse", "body"):
            inner = getattr(node, field, None)
            if inner.__class__ is list:
                stack.extend((prefix, statement) for statement in reversed(inner))


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, those inside ``if``, ``try``, ``with`` and loops included."""
    stack: list[Any] = list(reversed(tree.body))  # statements, handlers and cases
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, _DEFINITIONS):
            for field in ("finalbody", "handlers", "cases", "orelse", "body"):
                inner = getattr(node, field, None)
                if inner.__class__ is list:
                    stack.extend(reversed(inner))


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    match statement:
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.For(target=target):
            targets = [target]
        case ast.With(items=items):
            targets = [item.optional_vars for item in items if item.optional_vars]
        case _:
            return
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                yield node.id, statement.lineno


def _span(code: CodeType) -> tuple[int, ...]:
    """First line and column, last line and column of a code object's instructions; empty where not recorded."""
    first: tuple[int, int] | None = None
    last: tuple[int, int] = (0, 0)
    for line, last_line, column, last_column in code.co_positions():
        if line is None or last_line is None or column is None or last_column is None or last_column == 0:
            continue
        first = min(first or (line, column), (line, column))
        last = max(last, (last_line, last_column))
    return () if first is None else (*first, *last)


def _holds(node: ast.expr, span: tuple[int, ...]) -> bool:
    start = (node.lineno, node.col_offset)
    end = (node.end_lineno or 0, node.end_col_offset or 0)
    return start <= span[:2] and span[2:] <= end


def _extent(node: ast.Lambda) -> tuple[int, int]:
    lines = (node.end_lineno or 0) - node.lineno
    return lines, (node.end_col_offset or 0) - (node.col_offset if not lines else 0)


def lambdas_digest(forms: tuple[Form, ...]) -> str:
    """One digest for all lambdas of a line."""
    return digest(form.digest for form in forms)

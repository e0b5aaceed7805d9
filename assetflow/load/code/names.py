"""Which names a piece of code takes from outside itself, and through which attributes it reads them.

The analysis follows the scoping rules of the language reference, section 4.2.2 ("Resolution of names"). Where a
name in a class body may be either the class's own or an outer one, it counts as outer: too much rather than too little.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["Dynamic", "Load", "Reference", "Scope", "references"]

FUNCTION: Final = "function"
CLASS: Final = "class"
COMPREHENSION: Final = "comprehension"


class Reference(NamedTuple):
    """A name taken from outside: ``name.attr.attr`` as written, or through an import inside the function."""

    #: The name as written, empty for none (an import for its effects).
    name: str
    attributes: tuple[str, ...] = ()
    #: Set where the name was imported locally: the module as written, and what was taken from it. A level of -1
    #: stands for ``import a.b.c``, which binds ``a`` alone.
    module: str = ""
    level: int = 0
    member: str = ""
    #: It stands in an annotation's text: of no importance where nothing is bound to it.
    soft: bool = False


class Dynamic(NamedTuple):
    """A call that picks its target at run time, as written: ``getattr``, ``eval``, ``importlib.import_module`` …"""

    callee: tuple[str, ...]
    line: int
    #: The first argument: ``literal`` (with its text), ``name`` (a chain from outside), ``parameter``, ``local``,
    #: ``other``, ``keywords`` or ``nothing``.
    kind: str
    argument: tuple[str, ...] = ()
    #: For ``getattr``: the attribute where it is a literal.
    attribute: str = ""


class Load(NamedTuple):
    """One reading of a name in a scope."""

    name: str
    attributes: tuple[str, ...]
    soft: bool = False


class Scope:
    """A function, class body or comprehension: what it binds and what it reads."""

    __slots__ = (
        "bound",
        "children",
        "dynamic",
        "globals",
        "imports",
        "kind",
        "loads",
        "nonlocals",
        "parameters",
        "parent",
    )

    def __init__(self, kind: str, parent: Scope | None) -> None:
        self.kind = kind
        self.parent = parent
        self.bound: set[str] = set()
        self.parameters: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.loads: set[Load] = set()
        self.imports: dict[str, list[Reference]] = {}
        self.dynamic: list[Dynamic] = []
        self.children: list[Scope] = []
        if parent is not None:
            parent.children.append(self)

    def bind(self, name: str) -> None:
        """The name is assigned here."""
        self.bound.add(name)

    def bind_parameter(self, name: str) -> None:
        """The name is given by the caller."""
        self.bound.add(name)
        self.parameters.add(name)

    def bind_walrus(self, name: str) -> None:
        """``name := …`` binds in the function around a comprehension, not in it."""
        scope = self
        while scope.kind == COMPREHENSION and scope.parent is not None:
            scope = scope.parent
        scope.bound.add(name)

    def bind_import(self, name: str, reference: Reference) -> None:
        """The name is bound to a module, or to what was imported from it."""
        self.bound.add(name)
        self.imports.setdefault(name, []).append(reference)

    def owner(self, name: str) -> Scope | None:
        """The scope whose variable the name is here; None where it comes from outside the whole piece."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.globals:
                return None
            if name in scope.bound and scope.kind != CLASS and name not in scope.nonlocals:
                return scope
            scope = scope.parent
        return None

    def imported(self, name: str) -> list[Reference]:
        """What a name was imported as in a class body of this scope or around it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.imports:
                return scope.imports[name]
            scope = scope.parent
        return []


def references(root: Scope) -> tuple[tuple[Reference, ...], tuple[Dynamic, ...]]:
    """All that a piece of code takes from outside, sorted, and its calls that pick their target at run time."""
    found: set[Reference] = set()
    dynamic: list[Dynamic] = []
    used: set[int] = set()
    scopes = [root]
    while scopes:
        scope = scopes.pop()
        scopes.extend(scope.children)
        for load in scope.loads:
            owner = scope.owner(load.name)
            for imported in scope.imported(load.name) if owner is None else owner.imports.get(load.name, ()):
                used.add(id(imported))
                found.add(imported._replace(attributes=load.attributes, name=load.name))
            if owner is None:
                found.add(Reference(load.name, load.attributes, soft=load.soft))
        dynamic.extend(_placed(call, scope) for call in scope.dynamic if _comes_from_outside(call, scope))
    found.update(_unused_imports(root, used))
    return tuple(sorted(found)), tuple(sorted(set(dynamic)))


def _unused_imports(root: Scope, used: set[int]) -> set[Reference]:
    """Modules imported inside the code and never named: imported for what importing them does."""
    found: set[Reference] = set()
    scopes = [root]
    while scopes:
        scope = scopes.pop()
        scopes.extend(scope.children)
        for imported in scope.imports.values():
            found.update(one._replace(name="") for one in imported if id(one) not in used)
    return found


def _comes_from_outside(call: Dynamic, scope: Scope) -> bool:
    owner = scope.owner(call.callee[0])
    return owner is None or call.callee[0] in owner.imports


def _placed(call: Dynamic, scope: Scope) -> Dynamic:
    """The call, its callee written out through local imports, and its argument told local or from outside."""
    owner = scope.owner(call.callee[0])
    if owner is not None and (imported := owner.imports.get(call.callee[0])):
        one = imported[0]
        path = one.module.split(".")[:1] if one.level < 0 else one.module.split(".")
        call = call._replace(callee=("", *path, *([one.member] if one.member else []), *call.callee[1:]))
    if call.kind == "name":
        found = scope.owner(call.argument[0])
        if found is not None and call.argument[0] not in found.imports:
            call = call._replace(kind="parameter" if call.argument[0] in found.parameters else "local")
    return call

"""The canonical form of code: what stays of a syntax tree when everything without effect is left out.

Positions, comments, docstrings, other statements that do nothing, empty fields and type comments are left out, and so
are annotations of local variables, which are never evaluated. The form is text of our own making and equal on every
Python we support; stored digests in the tests hold it there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from assetflow.load.code.names import CLASS, COMPREHENSION, FUNCTION, Dynamic, Load, Reference, Scope, references
from assetflow.load.code.syntax import (
    DYNAMIC,
    arguments,
    chain,
    defaults,
    dynamic,
    effective,
    is_field,
    literal,
    plan,
    quoted_names,
    signature,
    written,
)

__all__ = ["SCHEME", "Form", "FunctionNode", "canonical", "digest", "digest_bytes"]

#: Numbered, so that a later way of writing code canonically can stand beside this one.
SCHEME: Final = "1"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: Names whose reading makes names, places and docstrings of code count.
READ: Final = frozenset({"__doc__", "__name__", "__qualname__", "__module__", "getdoc"})


class Form(NamedTuple):
    """A piece of code in canonical form, and what it takes from outside."""

    digest: str
    references: tuple[Reference, ...] = ()
    dynamic: tuple[Dynamic, ...] = ()
    #: Whether names or docstrings of code are read.
    reads: tuple[str, ...] = ()
    #: The parameters of an asset function that its body names, in the order in which it first names them.
    parameters: tuple[str, ...] = ()
    #: The names that a class binds in its body.
    bound: tuple[str, ...] = ()


def digest(parts: Iterable[str]) -> str:
    """A 128-bit digest of texts, each preceded by its length."""
    return blake2b(
        "".join([f"{len(p)}:{p}" for p in parts]).encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


def digest_bytes(data: bytes) -> str:
    """A 128-bit digest of bytes."""
    return blake2b(data, digest_size=16).hexdigest()


def canonical(node: ast.AST, *, way: str = "whole", postponed: bool = False) -> Form:
    """The canonical form of a function, class or expression.

    ``way``: ``whole``; ``asset`` leaves out a function's name, annotations and defaults, and numbers its parameters in
    the order in which the body names them; ``resource`` leaves out a class's fields and keywords. Decorators of
    functions are left out always: they are pieces of their own. ``postponed``: the module postpones annotations.
    """
    walk = _Walk(numbered=way == "asset", postponed=postponed)
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() if way == "asset":
            walk.asset(node)
        case ast.Lambda() if way == "asset":
            walk.asset(node)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            walk.function(node, decorators=False)
        case ast.ClassDef() if way == "resource":
            walk.resource(node)
        case _:
            walk.stack.append(node)
    walk.run()
    return walk.form()


class _Walk:
    """One walk over a syntax tree, without recursion: trees are as deep as expressions are long."""

    def __init__(self, *, numbered: bool, postponed: bool) -> None:
        self.out: list[str] = [SCHEME]
        #: What is still to be written, last first: texts, nodes, and scopes to enter.
        self.stack: list[Any] = []  # a text, a node or a scope
        self.root = self.scope = Scope(CLASS, None)
        self.reads: set[str] = set()
        self.numbered = numbered
        self.postponed = postponed
        self.own: frozenset[str] = frozenset()
        self.named: list[tuple[Scope, str, int]] = []
        self.annotated = False
        #: The scope of the class that is walked, where it is one.
        self.body: Scope | None = None

    def form(self) -> Form:
        """What was found."""
        parameters = self._number_parameters() if self.numbered else ()
        if self.annotated and self.postponed:
            self.out.append("postponed")
        found, calls = references(self.root)
        return Form(
            digest=digest(self.out),
            references=found,
            dynamic=calls,
            reads=tuple(sorted(self.reads)),
            parameters=parameters,
            bound=tuple(sorted(self.body.bound)) if self.body else (),
        )

    def _number_parameters(self) -> tuple[str, ...]:
        numbers: dict[str, int] = {}
        for scope, name, place in self.named:
            if name in self.own and (owner := scope.owner(name)) is not None and owner.parent is None:
                self.out[place] = f"parameter {numbers.setdefault(name, len(numbers))}"
        return tuple(numbers)

    def run(self) -> None:
        """Write everything on the stack."""
        stack, out = self.stack, self.out
        while stack:
            item = stack.pop()
            kind = item.__class__
            if kind is str:
                out.append(item)
            elif kind is Scope:
                self.scope = item
            elif (special := _SPECIAL.get(kind)) is not None:
                special(self, item)
            else:
                self.plain(item)

    def write(self, parts: list[Any]) -> None:  # texts, nodes and scopes
        """Put parts on the stack so that they come out in this order."""
        parts.reverse()
        self.stack.extend(parts)

    def plain(self, node: ast.AST) -> None:
        """A node field by field."""
        self.write(written(node, plan(node.__class__)))

    def name(self, node: ast.Name) -> None:
        """A variable."""
        self._name(node, ())
        if isinstance(node.ctx, ast.Load):
            self._read(node.id)

    def _read(self, name: str) -> None:
        if name in READ:
            self.reads.add("doc" if name in {"__doc__", "getdoc"} else "name")

    def _name(self, node: ast.Name, attributes: tuple[str, ...], *, load: bool = True) -> None:
        if self.numbered:
            self.named.append((self.scope, node.id, len(self.out)))
        self.out.append("=" + node.id)
        if attributes or isinstance(node.ctx, ast.Load):
            if load:
                self.scope.loads.add(Load(node.id, attributes))
        else:
            self.scope.bind(node.id)

    def attribute(self, node: ast.Attribute, *, more: tuple[str, ...] = ()) -> None:
        """``a.b.c``: the name together with the attributes that are read through it."""
        attributes: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            attributes.append(inner.attr)
            self._read(inner.attr)
            inner = inner.value
        attributes.reverse()
        self.out.append("." + ".".join(attributes))
        if isinstance(inner, ast.Name):
            self._name(inner, (*attributes, *more))
        else:
            self.stack.append(inner)

    def call(self, node: ast.Call) -> None:
        """A call; one that picks its target at run time is noted."""
        callee = chain(node.func)
        if callee and callee[-1] in DYNAMIC:
            call = dynamic(callee, node)
            self.scope.dynamic.append(call)
            if callee == ("getattr",) and call.attribute and call.kind == "name":
                self._literal_getattr(node, call)
                return
        self.plain(node)

    def _literal_getattr(self, node: ast.Call, call: Dynamic) -> None:
        """``getattr(x, "y")`` reads ``x.y``."""
        self.scope.loads.add(Load("getattr", ()))
        self.scope.loads.add(Load(call.argument[0], (*call.argument[1:], call.attribute)))
        root: ast.expr = node.args[0]
        while isinstance(root, ast.Attribute):
            root = root.value
        assert isinstance(root, ast.Name)
        self.out.extend(["getattr", "." + ".".join((*call.argument[1:], call.attribute))])
        self._name(root, (), load=False)
        self.write([*node.args[2:], ")"])

    def constant(self, node: ast.Constant) -> None:
        """A literal, its type included."""
        self.out.append(literal(node.value))

    def joined(self, node: ast.JoinedStr) -> None:
        """An f-string; Pythons cut its text into pieces differently."""
        parts: list[Any] = ["f"]
        text = ""
        for value in node.values:
            if isinstance(value, ast.Constant):
                text += str(value.value)
                continue
            if text:
                parts.append(literal(text))
                text = ""
            parts.append(value)
        self.write([*parts, *([literal(text)] if text else []), ")"])

    def asset(self, node: FunctionNode) -> None:
        """An asset function's body, and how many arguments it takes beside the named ones."""
        self.root = self.scope = Scope(FUNCTION, None)
        named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        self.own = frozenset(argument.arg for argument in named)
        for name in self.own:
            self.scope.bind_parameter(name)
        tag = "FunctionDef" if isinstance(node, ast.Lambda) else node.__class__.__name__
        self.out.append(tag)
        for extra in (node.args.vararg, node.args.kwarg):
            self.out.append(f"*{extra.arg}" if extra else "-")
            if extra:
                self.scope.bind(extra.arg)
        if isinstance(node, ast.Lambda):
            self.write(["(", "Return", ".value", node.body, ")", ")"])
        else:
            self.write(["(", *effective(node.body), ")"])

    def resource(self, node: ast.ClassDef) -> None:
        """A Resource class: what its fields are set to is part of the trace, not of the code."""
        self.body = inner = Scope(CLASS, self.scope)
        keywords = [keyword for keyword in node.keywords if keyword.arg == "metaclass"]
        body = [statement for statement in effective(node.body) if not is_field(statement)]
        head = ["ClassDef", "=" + node.name, *node.decorator_list, "(", *node.bases, *keywords, ")"]
        self.write([*head, inner, *body, ")", self.scope])

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, *, decorators: bool = True) -> None:
        """A function: decorators, defaults and annotations belong to the scope around it, the body to its own."""
        outer = self.scope
        if decorators:
            outer.bind(node.name)
        parts: list[Any] = [node.__class__.__name__, "=" + node.name]
        parts += [*node.decorator_list, "("] if decorators else ["("]
        typed, generic = self._type_parameters(node)
        parts += [*defaults(node.args), *typed]
        inner = Scope(FUNCTION, generic)
        for argument in arguments(node.args):
            inner.bind_parameter(argument.arg)
            if argument.annotation is not None:
                parts += [f"{argument.arg}:", self._annotation(argument.annotation, generic)]
        if node.returns is not None:
            parts += ["->", self._annotation(node.returns, generic)]
        self.write([*parts, *signature(node.args), inner, *effective(node.body), ")", outer])

    def _type_parameters(self, node: Any) -> tuple[list[Any], Scope]:  # mypy's ast for 3.11 knows no type_params
        parameters = getattr(node, "type_params", None) or []
        if not parameters:
            return [], self.scope
        generic = Scope(FUNCTION, self.scope)
        for parameter in parameters:
            generic.bind(parameter.name)
        return [generic, *parameters], generic

    def _annotation(self, node: ast.expr, scope: Scope) -> ast.expr:
        self.annotated = True
        for name in quoted_names(node):
            scope.loads.add(Load(name, (), True))
        return node

    def lambda_(self, node: ast.Lambda) -> None:
        """An expression's function."""
        inner = Scope(FUNCTION, self.scope)
        for argument in arguments(node.args):
            inner.bind_parameter(argument.arg)
        self.write(["Lambda", *defaults(node.args), *signature(node.args), inner, node.body, ")", self.scope])

    def class_(self, node: ast.ClassDef) -> None:
        """A class, its body in order."""
        outer = self.scope
        outer.bind(node.name)
        typed, generic = self._type_parameters(node)
        inner = Scope(CLASS, generic)
        self.body = self.body or inner
        head = ["ClassDef", "=" + node.name, *node.decorator_list, *typed, "(", *node.bases, *node.keywords, ")"]
        self.write([*head, inner, *effective(node.body), ")", outer])

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        """A comprehension; its first iterable belongs to the scope around it."""
        inner = Scope(COMPREHENSION, self.scope)
        parts: list[Any] = [node.__class__.__name__, node.generators[0].iter, inner]
        for place, generator in enumerate(node.generators):
            parts += ["async for" if generator.is_async else "for", generator.target]
            parts += ["in", generator.iter] if place else []
            parts += [part for condition in generator.ifs for part in ("if", condition)]
        parts += ["yield", node.key, node.value] if isinstance(node, ast.DictComp) else ["yield", node.elt]
        self.write([*parts, ")", self.scope])

    def walrus(self, node: ast.NamedExpr) -> None:
        """``name := value``."""
        self.scope.bind_walrus(node.target.id)
        if self.numbered:
            self.named.append((self.scope, node.target.id, len(self.out)))
        self.write(["=" + node.target.id, ":=", node.value])

    def annotated_assignment(self, node: ast.AnnAssign) -> None:
        """``x: int = 1``: inside a function the annotation is never evaluated."""
        if self.scope.kind == CLASS:
            parts = ["AnnAssign", node.target, ":", self._annotation(node.annotation, self.scope)]
            self.write([*parts, *(["=", node.value] if node.value else []), ")"])
        elif node.value is None:
            self.write(["AnnAssign", node.target, ")"])
        else:
            self.write(["Assign", ".targets", "[", node.target, "]", ".value", node.value, ")"])

    def augmented_assignment(self, node: ast.AugAssign) -> None:
        """``x += 1`` reads ``x`` too."""
        if isinstance(node.target, ast.Name):
            self.scope.loads.add(Load(node.target.id, ()))
        self.plain(node)

    def declared(self, node: ast.Global | ast.Nonlocal) -> None:
        """``global x``."""
        (self.scope.globals if isinstance(node, ast.Global) else self.scope.nonlocals).update(node.names)
        self.plain(node)

    def imports(self, node: ast.Import) -> None:
        """``import a.b`` inside the piece."""
        for alias in node.names:
            whole = alias.asname is not None or "." not in alias.name
            reference = Reference("", module=alias.name, level=0 if whole else -1)
            self.scope.bind_import(alias.asname or alias.name.partition(".")[0], reference)
        self.plain(node)

    def imports_from(self, node: ast.ImportFrom) -> None:
        """``from a import b`` inside the piece."""
        for alias in node.names:
            reference = Reference("", module=node.module or "", level=node.level or 0, member=alias.name)
            self.scope.bind_import(alias.asname or alias.name, reference)
        self.plain(node)

    def binds_name(self, node: Any) -> None:  # ExceptHandler, MatchAs, MatchStar; their name is text
        """``except E as name``, ``case [*name]``."""
        if node.name:
            self.scope.bind(node.name)
        self.plain(node)

    def mapping_pattern(self, node: ast.MatchMapping) -> None:
        """``case {**rest}``."""
        if node.rest:
            self.scope.bind(node.rest)
        self.plain(node)


_SPECIAL: dict[type[ast.AST], Callable[[_Walk, Any], None]] = {  # each takes its own kind of node
    ast.Name: _Walk.name,
    ast.Attribute: _Walk.attribute,
    ast.Call: _Walk.call,
    ast.Constant: _Walk.constant,
    ast.JoinedStr: _Walk.joined,
    ast.FunctionDef: _Walk.function,
    ast.AsyncFunctionDef: _Walk.function,
    ast.Lambda: _Walk.lambda_,
    ast.ClassDef: _Walk.class_,
    ast.ListComp: _Walk.comprehension,
    ast.SetComp: _Walk.comprehension,
    ast.DictComp: _Walk.comprehension,
    ast.GeneratorExp: _Walk.comprehension,
    ast.NamedExpr: _Walk.walrus,
    ast.AnnAssign: _Walk.annotated_assignment,
    ast.AugAssign: _Walk.augmented_assignment,
    ast.Global: _Walk.declared,
    ast.Nonlocal: _Walk.declared,
    ast.Import: _Walk.imports,
    ast.ImportFrom: _Walk.imports_from,
    ast.ExceptHandler: _Walk.binds_name,
    ast.MatchAs: _Walk.binds_name,
    ast.MatchStar: _Walk.binds_name,
    ast.MatchMapping: _Walk.mapping_pattern,
}

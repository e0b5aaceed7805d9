"""Pieces of syntax trees, read alike on every Python: what a literal is, what a signature says, what has an effect."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Any, Final

from assetflow.load.code.names import Dynamic

__all__ = [
    "DYNAMIC",
    "arguments",
    "chain",
    "defaults",
    "dynamic",
    "effective",
    "is_field",
    "literal",
    "plan",
    "quoted_names",
    "signature",
    "written",
]

#: Calls that may reach code or data by a name that is made up while running.
DYNAMIC: Final = frozenset(
    {
        *("getattr", "vars", "globals", "locals", "eval", "exec", "compile"),
        *("__import__", "import_module", "run_path", "run_module", "getsource", "getsourcelines"),
    }
)

_LEFT_OUT: Final = frozenset({"ctx", "type_comment", "kind", "type_ignores", "simple"})
_ZERO_IS_EMPTY: Final = frozenset({"level", "is_async"})
_STATEMENTS: Final = frozenset({"body", "orelse", "finalbody"})
_plans: dict[type[ast.AST], tuple[str, tuple[str, ...]]] = {}


def plan(kind: type[ast.AST]) -> tuple[str, tuple[str, ...]]:
    """A node's tag and the fields that count, in alphabetical order: Pythons add fields and may order them anew."""
    found = _plans.get(kind)
    if found is None:
        fields = tuple(sorted(set(kind._fields) - _LEFT_OUT))
        found = _plans[kind] = (kind.__name__, fields)
    return found


def written(node: ast.AST, how: tuple[str, tuple[str, ...]]) -> list[Any]:  # texts and nodes
    """A node's parts in order; empty fields leave no trace, so a field that a later Python adds changes nothing."""
    tag, fields = how
    parts: list[Any] = [tag]
    for field in fields:
        value = getattr(node, field, None)
        if value is None or (not value and (value == [] or field in _ZERO_IS_EMPTY)):
            continue
        if value.__class__ is list:
            items = effective(value) if field in _STATEMENTS else value
            if items:
                parts += ["." + field, "["]
                parts += ["-" if i is None else i if isinstance(i, ast.AST) else "=" + i for i in items]
                parts.append("]")
        elif isinstance(value, ast.AST):
            parts += ["." + field, value]
        else:
            parts += ["." + field, literal(value)]
    parts.append(")")
    return parts


def literal(value: object) -> str:
    """A literal's type and value. Integers are written in hexadecimal, which has no limit of digits."""
    match value:
        case None | bool():
            return f"{value}"
        case int():
            return f"int {value:x}"
        case str():
            return f"str {value}"
        case bytes():
            return f"bytes {value.hex()}"
        case float():
            return f"float {value!r}"
        case complex():
            return f"complex {value.real!r} {value.imag!r}"
        case _:
            return "..."


def effective(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Statements without those that do nothing: ``pass``, docstrings and other bare literals."""
    return [s for s in statements if not (isinstance(s, ast.Pass) or _is_bare_literal(s))]


def _is_bare_literal(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def chain(node: ast.expr) -> tuple[str, ...]:
    """``("a", "b")`` for ``a.b``; empty where the expression does not begin with a name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ()
    names.append(node.id)
    return tuple(reversed(names))


def dynamic(callee: tuple[str, ...], node: ast.Call) -> Dynamic:
    """What is known of a call that picks its target at run time."""
    plain = not node.keywords and not any(isinstance(argument, ast.Starred) for argument in node.args)
    attribute = ""
    if callee[-1] == "getattr" and len(node.args) > 1 and plain:
        attribute = _text(node.args[1])
    if not node.args:
        return Dynamic(callee, node.lineno, "keywords" if node.keywords else "nothing")
    if name := chain(node.args[0]):
        return Dynamic(callee, node.lineno, "name", name, attribute)
    if plain and len(node.args) == 1 and (text := _text(node.args[0])):
        return Dynamic(callee, node.lineno, "literal", (text,))
    return Dynamic(callee, node.lineno, "other", (), attribute)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def arguments(node: ast.arguments) -> Iterator[ast.arg]:
    """All parameters of a signature, in one fixed order."""
    yield from node.posonlyargs
    yield from node.args
    yield from node.kwonlyargs
    if node.vararg:
        yield node.vararg
    if node.kwarg:
        yield node.kwarg


def defaults(node: ast.arguments) -> list[Any]:  # texts and nodes
    """A signature's defaults; they are evaluated outside the function."""
    return ["defaults", *node.defaults, *("-" if d is None else d for d in node.kw_defaults), ")"]


def signature(node: ast.arguments) -> list[str]:
    """A signature's names and kinds."""
    names = ["signature", *(a.arg for a in node.posonlyargs), "/", *(a.arg for a in node.args), "*"]
    names += [a.arg for a in node.kwonlyargs]
    return [*names, node.vararg.arg if node.vararg else "-", node.kwarg.arg if node.kwarg else "-", ")"]


def is_field(statement: ast.stmt) -> bool:
    """Whether a statement in a class body declares a field: an annotated name that is no ClassVar."""
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        return False
    names = {n.id for n in ast.walk(statement.annotation) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(statement.annotation) if isinstance(n, ast.Attribute)}
    return "ClassVar" not in names


def quoted_names(annotation: ast.expr) -> set[str]:
    """The names inside the quoted parts of an annotation."""
    names: set[str] = set()
    stack: list[ast.AST] = [annotation]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                with contextlib.suppress(SyntaxError, ValueError, RecursionError):
                    parsed = ast.parse(node.value, mode="eval")
                    names.update(n.id for n in ast.walk(parsed) if isinstance(n, ast.Name))
        elif not (isinstance(node, ast.Subscript) and chain(node.value)[-1:] == ("Literal",)):
            stack.extend(ast.iter_child_nodes(node))
    return names

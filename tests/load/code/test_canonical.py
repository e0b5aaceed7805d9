from __future__ import annotations

import ast
import io
import itertools
import json
import subprocess
import sys
import tokenize
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetflow.load.code.canonical import canonical

SAMPLES = {
    "function": 'def f(a, b=1, *c, d: int = 2, **e) -> str:\n    """Doc."""\n    return f"{a!r:>{b}} and {c=}" "tail"',
    "lambda": "lambda x, /, y=-0.0, *, z=1e400: (x, y, z, 1_000, 0xFF, 2j, b'\\x00', ...)",
    "class": "@d\nclass C(B, metaclass=M, key='v'):\n    '''Doc.'''\n    x: int = 1\n    async def go(self):\n"
    "        async with a as b, c:\n            return [i async for i in b if i]",
    "match": "def f(x):\n    match x:\n        case {'a': [1, *rest], **more} if rest: return more\n"
    "        case C(y=1) | None as z: return z\n        case _: pass",
    "try": "def f():\n    try:\n        import a.b, c as d\n        from . import e\n    except* ValueError as g:\n"
    "        raise g from None\n    else:\n        del d[1:2, ::3]\n    finally:\n        global h\n        h = yield",
    "names": "def f(x):\n    y = m.a.b(x)\n"
    "    return {k: y for k in g if (w := k)}, w, lambda y: y + n, getattr(o, 'p')",
    "text": 'def f():\n    return "é\\ud800" + u"x" + r"\\d" + ("a" "b")',
    "subscript": "def f(a, b):\n    return a[b, *b], a[()], (a if b else not a) @ b, a < b <= 3, print(*a, **b)",
}
#: Held for ever: what was recorded with one Python or one assetflow must be known to the next.
DIGESTS = {
    "function": ["9b0fabd24d758850bc68224c5f7d150a", "4643dc28501567cb022867477f2a2758"],
    "lambda": ["d8b0f6c23df6df8af463a13baad0acfc", "f2dce1e812dc315f27810332be6d3ffa"],
    "class": ["1f5d0c22d1414227b4cdc3ed4ba3f1fd", "c6826add3419eb16d9691b548308f6be"],
    "match": ["ae84c37c172cdb9b39164e15565ac4da", "0232ea7137429492a1bad8b73f459f85"],
    "try": ["3da0b44b34f29a984725250c3d71d67c", "803feb49b8e63e1ded5464611e14ee4f"],
    "names": ["d8b3dd5008ba92841745a097570f7986", "95d710da1aa3f517ec1d56061519ea10"],
    "text": ["0e7dbd36f0390a6ac613d77e07557e2b", "40809914c1fbfbed25147012ea69c9eb"],
    "subscript": ["7174a6dfb5c901bf752e10f321c6af15", "df4d1aa9084451787f927796932fd2bb"],
}


def digests() -> dict[str, list[str]]:
    found = {}
    for name, source in SAMPLES.items():
        statement = ast.parse(source).body[0]
        node = statement.value if isinstance(statement, ast.Expr) else statement
        ways = ("whole", "asset") if not isinstance(node, ast.ClassDef) else ("whole", "resource")
        found[name] = [canonical(node, way=way).digest for way in ways]
    return found


def test_digests_are_those_that_were_stored() -> None:
    assert digests() == DIGESTS


ELSEWHERE = """
import ast, json, sys, types
packages, samples = json.loads(sys.argv[1])
for name, folder in packages:  # without their __init__: nothing of third parties is there
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [folder]
from assetflow.load.code.canonical import canonical
found = {}
for name, source in samples.items():
    statement = ast.parse(source).body[0]
    node = statement.value if isinstance(statement, ast.Expr) else statement
    ways = ("whole", "resource") if isinstance(node, ast.ClassDef) else ("whole", "asset")
    found[name] = [canonical(node, way=way).digest for way in ways]
print(json.dumps(found))
"""


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_other_pythons_give_the_same_digests(version: str, interpreter: Callable[[str], str]) -> None:
    python = interpreter(version)
    import assetflow.load.code.canonical as here

    code = Path(here.__file__).parent
    packages = [
        ("assetflow", str(code.parents[1])),
        ("assetflow.load", str(code.parent)),
        ("assetflow.load.code", str(code)),
    ]
    ran = subprocess.run(
        [python, "-c", ELSEWHERE, json.dumps([packages, SAMPLES])], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == DIGESTS


SOURCES = [
    SAMPLES["function"],
    SAMPLES["class"],
    SAMPLES["try"],
    SAMPLES["subscript"],
    "def f(a):\n    if a:\n        x = [1,\n             2]\n        while x:\n            x = g(x)[1:]\n"
    "    else:\n        return h\n    return x",
]


@st.composite
def noisy(draw: st.DrawFn) -> tuple[str, str]:
    """A source, and the same with other blank lines, comments, spaces, brackets and bare texts."""
    source = draw(st.sampled_from(SOURCES))
    lines: list[str] = []
    depth = 0
    starts = {
        token.start[0]
        for before, token in _pairs(source)
        if before.type in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.ENCODING}
    }
    for number, text in enumerate(source.splitlines(), 1):
        line = text
        indent = line[: len(line) - len(line.lstrip())]
        first = line.split()[0] if line.split() else ""
        plain = number in starts and depth == 0 and first not in {"else:", "except*", "finally:", "case", "class", "@d"}
        if plain and number > 1 and indent:
            noises = draw(st.lists(st.sampled_from(["# note", "", "'text'", "pass", "..."]), max_size=2))
            lines.extend(indent + noise if noise else "" for noise in noises)
        depth += sum(line.count(c) for c in "([{") - sum(line.count(c) for c in ")]}")
        word, _, rest = line.strip().partition(" ")
        if depth == 0 and plain and word == "return" and rest and draw(st.booleans()) and "*" not in rest.split("(")[0]:
            line = f"{indent}return ( {rest}\n )  # bracketed"
        lines.append(line + draw(st.sampled_from(["", "  ", "  # end"])))
    return source, "\n".join([*draw(st.lists(st.sampled_from(["", "# top", "x = 1"]), max_size=3)), *lines])


def _pairs(source: str) -> list[tuple[tokenize.TokenInfo, tokenize.TokenInfo]]:
    tokens = list(tokenize.tokenize(io.BytesIO(source.encode()).readline))
    return list(itertools.pairwise(tokens))


@settings(max_examples=150)
@given(noisy())
def test_formatting_never_changes_a_digest(sources: tuple[str, str]) -> None:
    plain, noise = sources
    (before,) = ast.parse(plain).body
    after = ast.parse(noise).body[-1]
    ways = ("whole", "resource") if isinstance(before, ast.ClassDef) else ("whole", "asset")
    for way in ways:
        assert canonical(before, way=way) == canonical(after, way=way), noise


def taken(source: str, way: str = "whole") -> set[str]:
    form = canonical(ast.parse(source).body[0], way=way)
    return {".".join((r.name, *r.attributes)) for r in form.references}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(a):\n    return a + b", {"b"}),
        ("def f():\n    b = 1\n    return lambda: b", set()),
        ("def f():\n    return [x for x in x]", {"x"}),
        ("def f():\n    return [y for x in z for y in x]", {"z"}),
        ("def f():\n    if (n := g()): return n", {"g"}),
        ("def f():\n    [n := x for x in g]\n    return n", {"g"}),
        ("def f():\n    global n\n    n = 1\n    return n", {"n"}),
        ("def f():\n    n = 1\n    def g():\n        nonlocal n\n        n += 1\n    return g", set()),
        ("def f():\n    class C:\n        n = 1\n        def g(self): return n\n    return C", {"n"}),
        ("def f():\n    try: pass\n    except E as e: return e", {"E"}),
        ("def f(x):\n    match x:\n        case [a, *b]: return a, b, c", {"c"}),
        ("def f(x: T) -> U: pass", {"T", "U"}),
        ("def f(x: 'T'): pass", {"T"}),
        ("def f(x: Literal['T']): pass", {"Literal"}),
        ("def f():\n    x: T = 1", set()),
        ("def f():\n    return m.a.b(1)", {"m.a.b"}),
        ("def f():\n    return getattr(m, 'a')", {"m.a", "getattr"}),
        ("def f():\n    return super().f()", {"super"}),
        ("def f():\n    import os\n    return os.path", {"os.path"}),
    ],
)
def test_names_are_taken_from_outside_as_python_scopes_them(source: str, names: set[str]) -> None:
    assert taken(source) == names


def test_an_expression_of_ten_thousand_terms_is_walked_without_recursion() -> None:
    node: ast.expr = ast.Constant(0)
    for number in range(10_000):
        node = ast.BinOp(node, ast.Add(), ast.Name(f"n{number}", ast.Load()))
    assert len(canonical(node).references) == 10_000


def test_the_running_python_is_one_that_is_supported() -> None:
    assert sys.version_info >= (3, 11)

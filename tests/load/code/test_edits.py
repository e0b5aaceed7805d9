# ruff: noqa: E501 — projects of a few lines, each on one
"""Which edits make an asset stale, and which part of its code they are told as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assetflow.load.code.differences import differences

ASSETS = """\
from __future__ import annotations
from assetflow import asset
from shop import rules
from shop.rules import tidy, Config, config

@asset(name="orders")
def orders(raw: int, extra: int, factor: float = 1.0) -> int:
    '''All orders.'''
    total = tidy(raw) + extra * factor
    return total + rules.top(config.limit)
"""
RULES = """\
import json
from shop.numbers import MAX_DELAY

LIMITS = {"low": 1, "high": [2, 3]}
UNUSED = 5

def tidy(value, most=MAX_DELAY):
    '''Tidy up.'''
    # a comment
    return min(value, most) + step(value)

def step(value):
    return LIMITS["low"] if value else 0

def top(limit: int = 4) -> int:
    return max(limit, len(LIMITS))

class Base:
    unit = "min"
    def of(self): return self.unit

class Config(Base):
    limit = 7
    def again(self):
        return Config()

config = Config()
"""
NUMBERS = "MAX_DELAY = 60\nOTHER = 1\n"
SHOP = {"shop/__init__.py": "", "shop/assets.py": ASSETS, "shop/rules.py": RULES, "shop/numbers.py": NUMBERS}


@dataclass(frozen=True)
class Edit:
    name: str
    file: str
    old: str
    new: str
    #: The parts that must be told as changed, new or gone; empty: nothing may change.
    told: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def body(code: str, *, head: str = "", parameters: str = "raw, extra") -> dict[str, str]:
    """A project of one asset whose body is ``code``."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    return {
        "shop/__init__.py": "",
        "shop/assets.py": f"from assetflow import asset\n{head}\n@asset\ndef orders({parameters}):\n{lines}",
    }


A, R, N = "shop/assets.py", "shop/rules.py", "shop/numbers.py"
ORDERS = "shop.assets.orders"
WRAPPER = "shop.lib.logged.<locals>.wrapper"
ALIASES = {
    **body("return a(raw)", head="from shop.lib import one as a, two as b"),
    "shop/lib.py": "def one(x): return x\ndef two(x): return x\n",
}
BOTH = {
    **body("return a(raw) - b(extra)", head="from shop.lib import one as a, two as b"),
    "shop/lib.py": "def one(x): return x\ndef two(x): return -x\n",
}
SAME = {
    **body("return a(raw) - b(extra)", head="from shop.lib import one as a, two as b"),
    "shop/lib.py": "one = 1\ntwo = 1\n",
}
DECORATED = {
    **body("return raw", head="from shop.lib import logged"),
    "shop/lib.py": """\
import functools
LEVEL = 3
def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs) + LEVEL
    return wrapper
""",
}
DECORATED["shop/assets.py"] = DECORATED["shop/assets.py"].replace("@asset\n", "@asset\n@logged\n")
CLOSURE = body(
    "return scale(raw)",
    head="def make(n):\n    def inner(x):\n        return x * n\n    return inner\nscale = make(3)\n",
)
PARTIAL = body(
    "return scale(raw)", head="import functools\ndef mul(n, x):\n    return x * n\nscale = functools.partial(mul, 3)\n"
)
LAMBDAS = body("return one(raw)", head="one, two = (lambda x: x + 1), (lambda x: x + 2)\n")
REGEX = body("return P.match(str(raw))", head="import re\nP = re.compile('a+', re.I)\n")
READ = {
    **body(
        "return T",
        head="import pathlib, json\nT = json.loads((pathlib.Path(__file__).parent / 't.json').read_text())\n",
    ),
    "shop/t.json": "[1, 2]",
}
LOCAL = {
    **body("from shop.lib import one as first\nreturn first(raw)"),
    "shop/lib.py": "def one(x): return x\ndef two(x): return x\n",
}
WHOLE = {
    **body("return run(lib, raw)", head="from shop import lib\ndef run(m, x): return m.one(x)"),
    "shop/lib.py": "def one(x): return x\ndef two(x): return x\n",
}
RECURSIVE = body(
    "return even(raw)", head="def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)\n"
)
ENUM = body("return Colour.RED.value + raw", head="import enum\nclass Colour(enum.Enum):\n    RED = 1\n    BLUE = 2\n")
DATA = body(
    "return Box(raw).total()",
    head="import dataclasses\n@dataclasses.dataclass\nclass Box:\n    size: int\n    by: int = 2\n    def total(self): return self.size * self.by\n",
)
MODEL = body(
    "return Box(size=raw).by",
    head="import pydantic\ndef read(): return 2\nclass Box(pydantic.BaseModel):\n    size: int\n    by: int = read()\n",
)
OTHER = body("return other(1, 2) + raw", head="@asset(description='x')\ndef other(a, b):\n    return a + b\n")
CACHED = body(
    "return slow(raw)", head="import functools\n@functools.lru_cache(maxsize=3)\ndef slow(x):\n    return x\n"
)
METHOD = body(
    "return go(raw)",
    head="class Cart:\n    def __init__(self, n): self.n = n\n    def add(self, x): return x + self.n\ngo = Cart(3).add\n",
)
ITEMS = body("return [f(raw) for f in STEPS]", head="def one(x): return x\ndef two(x): return -x\nSTEPS = [one, two]\n")
DISPATCH = body(
    "return show(raw)",
    head="import functools\n@functools.singledispatch\ndef show(x): return 1\n@show.register\ndef _(x: int): return 2\n",
)
DOC = {
    **body("return raw, helper.__doc__", head="def helper():\n    '''Text.'''\n"),
}
NAMES = body("return raw, __name__", head="")
FILES = body("return raw, HERE", head="from pathlib import Path\nHERE = Path(__file__).parent\n")
PROPERTY = body(
    "return C(raw).double",
    head="class C:\n    def __init__(self, x): self.x = x\n    @property\n    def double(self): return self.x * 2\n",
)
META = body("return C()", head="class M(type):\n    def __call__(cls): return 1\nclass C(metaclass=M): pass\n")
SHADOW = body("LIMIT = 3\nreturn raw + LIMIT", head="LIMIT = 4\n")
NAMED = body("return P(raw, 2)", head="import collections\nP = collections.namedtuple('P', 'x y')\n")
INCLUDED = {**body("return raw"), "query.sql": "select 1"}
HELPER_NOTE = body("return help(raw)", head="class Unit: size = 1\ndef help(x: Unit): return x\n")
STRING_NOTE = body("return help(raw)", head="class Unit: size = 1\ndef help(x: 'Unit'): return x\n")
STAR = {**body("return one(raw)", head="from shop.lib import *"), "shop/lib.py": "def one(x): return x\n"}
REEXPORT = {
    **body("return one(raw)", head="from shop.api import one"),
    "shop/api.py": "from shop.lib import one\n",
    "shop/lib.py": "def one(x): return x\n",
    "shop/lib2.py": "def one(x): return x\n",
}
PATCHED = body(
    "return C().go()", head="class C:\n    def go(self): return 1\ndef later(self): return 2\nC.go = later\n"
)
ATTRIBUTE = body("return f.rate * raw", head="def f(): pass\nf.rate = 3\n")
BIG = body("return sum(ROWS)", head="ROWS = [n * 2 for n in range(1000)]\n")

INIT = {"shop/__init__.py": ""}
SOURCE = body("return raw, S.name", head="from assetflow import source, File\nS = source('s', File('s.csv'))\n")

EDITS = [
    # what nobody may notice
    Edit("a comment", R, "# a comment", "# another comment"),
    Edit("a docstring of a helper", R, "Tidy up.", "Tidy everything up."),
    Edit("a docstring taken away", R, "    '''Tidy up.'''\n", ""),
    Edit("the asset's docstring", A, "All orders.", "Every order."),
    Edit("blank lines", R, "def step", "\n\n\ndef step"),
    Edit("quotes", R, '"low"', "'low'"),
    Edit("redundant parentheses", R, "min(value, most) + step(value)", "((min((value), most)) + (step(value)))"),
    Edit("a line broken", R, "min(value, most)", "min(\n        value,\n        most,\n    )"),
    Edit(
        "functions in another order",
        R,
        'def step(value):\n    return LIMITS["low"] if value else 0\n\ndef top(limit: int = 4) -> int:\n    return max(limit, len(LIMITS))\n',
        'def top(limit: int = 4) -> int:\n    return max(limit, len(LIMITS))\n\ndef step(value):\n    return LIMITS["low"] if value else 0\n',
    ),
    Edit("a new function that nobody uses", R, "def step", "def unused(): return tidy(1)\n\ndef step"),
    Edit("a constant that nobody uses", R, "UNUSED = 5", "UNUSED = 6"),
    Edit("an import that nobody uses", R, "import json", "import json, os"),
    Edit("numbers spelled otherwise", N, "60", "0x3C"),
    Edit("a constant computed otherwise", N, "MAX_DELAY = 60", "MAX_DELAY = 6 * 10"),
    Edit("the asset renamed", A, "def orders(", "def bookings(", options={}, after={"asset": "shop.assets.bookings"}),
    Edit("the asset's annotations", A, "raw: int, extra: int", "raw: float, extra: object"),
    Edit("the asset's defaults", A, "factor: float = 1.0", "factor: float = 2.0"),
    Edit("assetflow's decorator", A, '@asset(name="orders")', '@asset(name="orders", description="x", max_age="1h")'),
    Edit(
        "an input renamed",
        A,
        "raw: int, extra: int, factor: float = 1.0) -> int:\n    '''All orders.'''\n    total = tidy(raw)",
        "fresh: int, extra: int, factor: float = 1.0) -> int:\n    '''All orders.'''\n    total = tidy(fresh)",
        after={"inputs": {"fresh": 0, "extra": 1}},
    ),
    Edit("parameters in another order", A, "raw: int, extra: int", "extra: int, raw: int"),
    Edit("a local variable annotated", A, "total = tidy", "total: int = tidy"),
    Edit("pass beside other statements", R, "    return max(", "    pass\n    return max("),
    Edit("a helper re-exported from elsewhere", "shop/api.py", "from shop.lib", "from shop.lib2", files=REEXPORT),
    Edit("an alias that nobody uses", A, "one as a, two as b", "one as a", files=ALIASES),
    Edit("a variable of the same name as a constant", A, "LIMIT = 4", "LIMIT = 5", files=SHADOW),
    Edit("another asset's decorator", A, "description='x'", "description='y'", files=OTHER),
    Edit(
        "the order of a set",
        A,
        "S = {1, 'a', 2.0}",
        "S = {2.0, 1, 'a'}",
        files=body("return S", head="S = {1, 'a', 2.0}"),
    ),
    Edit(
        "mutually recursive functions in another order",
        A,
        "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)\n",
        "def odd(n): return n != 0 and even(n - 1)\ndef even(n): return n == 0 or odd(n - 1)\n",
        files=RECURSIVE,
    ),
    Edit(
        "a fresh declaration of the same version",
        A,
        "return raw",
        "return extra",
        files=body("return raw"),
        options={"declared": "2"},
    ),
    Edit("a helper's file moved down", R, "import json", "\n\n# moved\nimport json"),
    Edit("a lambda beside on its line", A, "(lambda x: x + 2)", "(lambda x: x + 9)", files=LAMBDAS),
    Edit("another function of a module used by attribute", R, "len(LIMITS))", "len(LIMITS))\ndef more(): return 1"),
    Edit("a declared source moved down", A, "S = ", "\n\nS = ", files=SOURCE),
    # what must be noticed
    Edit("a declared source", A, "s.csv", "t.csv", ("shop.assets.S",), files=SOURCE),
    Edit("the asset's body", A, "extra * factor", "extra + factor", (ORDERS,)),
    Edit("inputs swapped in the body", A, "tidy(raw) + extra", "tidy(extra) + raw", (ORDERS,)),
    Edit("inputs numbered otherwise", A, "x", "x", (ORDERS,), after={"inputs": {"raw": 1, "extra": 0}}),
    Edit("a constant two modules away", N, "60", "90", ("shop.numbers.MAX_DELAY",)),
    Edit("a constant's type", N, "60", "60.0", ("shop.numbers.MAX_DELAY",)),
    Edit("a helper's body", R, "len(LIMITS)", "len(LIMITS) + 1", ("shop.rules.top",)),
    Edit("a helper's helper", R, "else 0", "else 1", ("shop.rules.step",)),
    Edit("a nested value in a constant", R, "[2, 3]", "[2, 4]", ("shop.rules.LIMITS",)),
    Edit("the order of a dict", R, '{"low": 1, "high": [2, 3]}', '{"high": [2, 3], "low": 1}', ("shop.rules.LIMITS",)),
    Edit("a helper's default", R, "limit: int = 4", "limit: int = 5", ("shop.rules.top",)),
    Edit("a helper's annotation", R, "limit: int = 4", "limit: float = 4", ("shop.rules.top",)),
    Edit("a class attribute", R, "limit = 7", "limit = 8", ("shop.rules.Config",)),
    Edit("a method", R, "return Config()", "return Config", ("shop.rules.Config",)),
    Edit("a base class", R, 'unit = "min"', 'unit = "h"', ("shop.rules.Base",)),
    Edit(
        "an instance's field", R, "config = Config()\n", "config = Config()\nconfig.limit = 9\n", ("shop.rules.config",)
    ),
    Edit(
        "a decorator of the asset taken away",
        A,
        "@logged\n",
        "",
        (ORDERS, "shop.lib.LEVEL", "shop.lib.logged", WRAPPER),
        files=DECORATED,
    ),
    Edit(
        "a decorator's body",
        "shop/lib.py",
        "+ LEVEL",
        "- LEVEL",
        ("shop.lib.logged", WRAPPER),
        files=DECORATED,
    ),
    Edit(
        "a constant that a decorator reads",
        "shop/lib.py",
        "LEVEL = 3",
        "LEVEL = 4",
        ("shop.lib.LEVEL",),
        files=DECORATED,
    ),
    Edit("swapped aliases", A, "one as a, two as b", "two as a, one as b", (ORDERS,), files=BOTH),
    Edit(
        "one alias bound to an equal helper of another name",
        A,
        "one as a",
        "two as a",
        (ORDERS, "shop.lib.one", "shop.lib.two"),
        files={**ALIASES, A: ALIASES[A].replace(", two as b", "")},
    ),
    Edit("a closure's value", A, "make(3)", "make(4)", ("shop.assets.make.<locals>.inner.n",), files=CLOSURE),
    Edit("a closure's code", A, "x * n", "x + n", ("shop.assets.make.<locals>.inner",), files=CLOSURE),
    Edit("a partial's argument", A, "partial(mul, 3)", "partial(mul, 4)", ("shop.assets.scale",), files=PARTIAL),
    Edit("a partial's function", A, "x * n", "x + n", ("shop.assets.mul",), files=PARTIAL),
    Edit("a lambda", A, "x + 1", "x + 3", ("shop.assets.<lambda>",), files=LAMBDAS),
    Edit("a regex", A, "'a+'", "'b+'", ("shop.assets.P",), files=REGEX),
    Edit("a regex's flags", A, "re.I", "re.M", ("shop.assets.P",), files=REGEX),
    Edit("a constant read from a file at import", "shop/t.json", "2", "3", ("shop.assets.T",), files=READ),
    Edit(
        "a helper imported locally",
        "shop/lib.py",
        "def one(x): return x",
        "def one(x): return -x",
        ("shop.lib.one",),
        files=LOCAL,
    ),
    Edit(
        "a local import of another name",
        A,
        "import one as first",
        "import two as first",
        (ORDERS, "shop.lib.one", "shop.lib.two"),
        files=LOCAL,
    ),
    Edit(
        "a module used whole",
        "shop/lib.py",
        "def two(x): return x",
        "def two(x): return -x",
        ("shop.lib.two",),
        files=WHOLE,
    ),
    Edit(
        "one of two functions that call each other", A, "n == 0 or", "n == 1 or", ("shop.assets.even",), files=RECURSIVE
    ),
    Edit("an enumeration's value", A, "RED = 1", "RED = 3", ("shop.assets.Colour",), files=ENUM),
    Edit("a dataclass's default", A, "by: int = 2", "by: int = 3", ("shop.assets.Box",), files=DATA),
    Edit(
        "a dataclass's fields in another order",
        A,
        "    size: int\n    by: int = 2\n",
        "    by: int = 2\n    size: int = 0\n",
        ("shop.assets.Box",),
        files=DATA,
    ),
    Edit("a model's computed default", A, "return 2", "return 3", ("shop.assets.Box", "shop.assets.read"), files=MODEL),
    Edit("another asset called as a function", A, "return a + b", "return a - b", ("shop.assets.other",), files=OTHER),
    Edit("a cached function", A, "    return x\n", "    return -x\n", ("shop.assets.slow",), files=CACHED),
    Edit("a bound method's object", A, "Cart(3)", "Cart(4)", ("shop.assets.go",), files=METHOD),
    Edit(
        "a bound method's code",
        A,
        "return x + self.n",
        "return x - self.n",
        ("shop.assets.Cart", "shop.assets.Cart.add"),
        files=METHOD,
    ),
    Edit("functions in a list, in another order", A, "[one, two]", "[two, one]", ("shop.assets.STEPS",), files=ITEMS),
    Edit("a function in a list", A, "def two(x): return -x", "def two(x): return 2", ("shop.assets.two",), files=ITEMS),
    Edit("a registered overload", A, "return 2", "return 3", ("shop.assets._",), files=DISPATCH),
    Edit("a docstring that is read", A, "Text.", "Words.", ("shop.assets.helper.__doc__",), files=DOC),
    Edit("a property", A, "self.x * 2", "self.x * 3", ("shop.assets.C",), files=PROPERTY),
    Edit("a metaclass", A, "return 1", "return 2", ("shop.assets.M",), files=META),
    Edit("a named tuple's fields", A, "'x y'", "'x z'", ("shop.assets.P",), files=NAMED),
    Edit(
        "a library's function replaced",
        A,
        "from math import floor as f",
        "from math import ceil as f",
        (ORDERS,),
        files=body("return f(raw)", head="from math import floor as f"),
    ),
    Edit(
        "swapped library aliases",
        A,
        "floor as f, ceil as g",
        "ceil as f, floor as g",
        (ORDERS,),
        files=body("return f(raw) + g(raw)", head="from math import floor as f, ceil as g"),
    ),
    Edit(
        "a built-in hidden by a constant",
        A,
        "\n\n@asset",
        "\nlen = 3\n@asset",
        (ORDERS, "shop.assets.len"),
        files=body("return len", head="\n"),
    ),
    Edit(
        "an included file",
        "query.sql",
        "select 1",
        "select 2",
        ("query.sql",),
        files=INCLUDED,
        options={"includes_file": "query.sql"},
    ),
    Edit(
        "an included value", A, "x", "x", ("version_includes[0]",), options={"includes": [1]}, after={"includes": [2]}
    ),
    Edit(
        "another declared version", A, "x", "x", (), options={"declared": "1"}, after={"declared": "2", "differs": True}
    ),
    Edit("a class in a helper's annotation", A, "size = 1", "size = 2", ("shop.assets.Unit",), files=HELPER_NOTE),
    Edit(
        "a class in a helper's quoted annotation", A, "size = 1", "size = 2", ("shop.assets.Unit",), files=STRING_NOTE
    ),
    Edit("a helper behind a star import", "shop/lib.py", "return x", "return -x", ("shop.lib.one",), files=STAR),
    Edit("a method put in from outside", A, "return 2", "return 3", ("shop.assets.later",), files=PATCHED),
    Edit("an attribute set on a function", A, "f.rate = 3", "f.rate = 4", ("shop.assets.f",), files=ATTRIBUTE),
    Edit("a long list", A, "n * 2", "n * 2 if n != 999 else 0", ("shop.assets.ROWS",), files=BIG),
    Edit(
        "a new type",
        A,
        "'T', int",
        "'T', str",
        ("shop.assets.T",),
        files=body("return T(raw)", head="from typing import NewType\nT = NewType('T', int)\n"),
    ),
    Edit(
        "a function put into a library",
        A,
        "x + 1",
        "x + 2",
        ("shop.assets.<lambda>",),
        files=body("return math.own(raw)", head="import math\nmath.own = lambda x: x + 1\n"),
    ),
    Edit(
        "a cached asset function",
        A,
        "return raw",
        "return -raw",
        (ORDERS,),
        files={
            **INIT,
            A: "import functools\nfrom assetflow import asset\n@asset\n@functools.lru_cache\ndef orders(raw):\n    return raw\n",
        },
    ),
    Edit(
        "a partial as an asset",
        A,
        "k=2",
        "k=3",
        ("shop.assets.f as functools.partial",),
        files={
            **INIT,
            A: "import functools\nfrom assetflow import asset\ndef f(raw, k): return raw + k\norders = asset(name='orders')(functools.partial(f, k=2))\n",
        },
    ),
    Edit(
        "a class that registered itself",
        A,
        "return 1",
        "return 2",
        ("shop.assets.C",),
        files=body(
            "return B.all",
            head="class B:\n    all = []\n    def __init_subclass__(cls): B.all.append(cls)\nclass C(B):\n    def go(self): return 1\n",
        ),
    ),
    Edit(
        "a descriptor",
        A,
        "return 1",
        "return 2",
        ("shop.assets.D",),
        files=body("return C.x", head="class D:\n    def __get__(self, one, kind): return 1\nclass C:\n    x = D()\n"),
    ),
    Edit("a negative zero", A, "Z = 0.0", "Z = -0.0", ("shop.assets.Z",), files=body("return Z", head="Z = 0.0")),
    Edit("True for 1", A, "Z = 1", "Z = True", ("shop.assets.Z",), files=body("return Z", head="Z = 1")),
    Edit(
        "a date",
        A,
        "date(2026, 1, 1)",
        "date(2026, 1, 2)",
        ("shop.assets.Z",),
        files=body("return Z", head="import datetime\nZ = datetime.date(2026, 1, 1)"),
    ),
    Edit(
        "a list for a tuple",
        A,
        "Z = (1, 2)",
        "Z = [1, 2]",
        ("shop.assets.Z",),
        files=body("return Z", head="Z = (1, 2)"),
    ),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_makes_stale_what_it_changes_and_is_told_by_name(edit: Edit, opened: Callable[..., Any]) -> None:
    files = edit.files or SHOP
    assert edit.old in files[edit.file], "the edit must find its place"
    changed = {**files, edit.file: files[edit.file].replace(edit.old, edit.new)}
    options = dict(edit.options)
    if file := options.pop("includes_file", None):
        options["includes"] = [Path(file)]
    after = {**options, **edit.after}
    differs = after.pop("differs", bool(edit.told))
    old = opened(files).version(**options)
    new = opened(changed).version(**after)
    told = tuple(difference.name for difference in differences(old.parts, new.parts))
    assert (old.digest != new.digest) == differs, told
    if edit.after.get("asset") is None:
        assert told == tuple(sorted(edit.told))


def test_the_table_holds_at_least_sixty_edits_of_different_names() -> None:
    assert len({edit.name for edit in EDITS}) == len(EDITS) >= 60

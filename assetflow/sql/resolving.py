"""A query resolved: every name is the column it stands for, stars are written out, and each column has its sources.

This walks the tree that DuckDB parsed, by DuckDB's rules for names: a column before an alias (in ``order by`` an alias
first), the nearest query outwards, a side of a join before what stands right of it. What is not followed is given up
as a whole, with the reason; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeAlias

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Role
from assetflow.sql.query import Source

__all__ = ["NotFollowed", "Resolved", "resolved"]

#: A piece of DuckDB's parsed query, and of the canonical form.
Json: TypeAlias = Any
Form: TypeAlias = Any


class NotFollowed(Exception):
    """Something in a query that this cannot place; its text says what."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a query is made of."""

    #: Equal forms mean the same over the same tables. JSON-able.
    form: Form
    #: For each column that it gives, in order, where its values come from.
    columns: tuple[frozenset[Source], ...]
    #: What decides about rows: which there are, and how they stand together.
    uses: frozenset[tuple[Role, Source]]


def resolved(
    node: Json,
    tables: Mapping[str, AssetKey],
    columns: Mapping[AssetKey, Sequence[str]],
    aggregates: frozenset[str],
) -> Resolved:
    """Resolve a parsed query. ``tables`` are its tables as written, ``columns`` what they have, ``aggregates`` the
    functions that make one value of many rows. Raises NotFollowed.
    """
    walk = _Walk(tables, columns, aggregates)
    found = walk.query(node, _Names())
    walk.keep(found)
    form = _pruned([found.form, walk.ctes], walk.kept, walk.items)
    return Resolved(form, tuple(each.values for each in found.columns), frozenset(walk.uses))


@dataclass(frozen=True, slots=True)
class _Field:
    """A column that can be named."""

    name: str
    #: What it is called in the canonical form.
    form: Form
    values: frozenset[Source]
    #: The stored column that it is unchanged.
    itself: Source | None = None


@dataclass(frozen=True, slots=True)
class _Relation:
    """One item of a ``from``."""

    name: str
    fields: tuple[_Field, ...]
    #: What any other column of it would come from: of a function whose columns are not known.
    rest: _Field | None = None

    def find(self, name: str) -> _Field | None:
        return next((each for each in self.fields if each.name.lower() == name.lower()), self.rest)


@dataclass(frozen=True, slots=True)
class _From:
    """A whole ``from``."""

    form: Form
    relations: tuple[_Relation, ...] = ()
    #: What ``*`` gives, with the relation of each: columns joined by ``using`` once.
    star: tuple[tuple[str, _Field], ...] = ()
    #: The columns that joins made one, by lower-case name.
    merged: Mapping[str, _Field] = field(default_factory=dict)
    #: The stored tables whose rows it has.
    rows: frozenset[Source] = frozenset()


@dataclass(frozen=True, slots=True)
class _Query:
    form: Form
    columns: tuple[_Field, ...]
    rows: frozenset[Source]
    #: For each column the number of the item that a star stands for; None: it is written out.
    items: tuple[int | None, ...] = ()


@dataclass(slots=True)
class _Cte:
    """What ``with`` defines; resolved when it is first read."""

    node: Json
    aliases: Sequence[str]
    names: _Names
    number: int = -1
    found: _Query | None = None


@dataclass(frozen=True, slots=True)
class _Names:
    """What a name may mean in a place, from the inside out."""

    source: _From | None = None
    #: Columns given so far, by lower-case name.
    aliases: Mapping[str, _Field] = field(default_factory=dict)
    ctes: Mapping[str, _Cte] = field(default_factory=dict)
    #: Parameters of lambdas.
    own: frozenset[str] = frozenset()
    outer: _Names | None = None

    def below(self, source: _From | None = None) -> _Names:
        """For a query inside of this place."""
        return _Names(source=source, ctes=self.ctes, outer=self)


_NO_SOURCES: frozenset[Source] = frozenset()
_CLOCK = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
_PLACES = frozenset({"query_location", "query_location_length"})
#: Texts in which case means nothing.
_CASELESS = frozenset({"function_name", "type_name", "schema", "catalog", "path"})
_SIDES = frozenset({"SEMI", "ANTI"})


class _Walk:
    """One walk over one query."""

    def __init__(
        self, tables: Mapping[str, AssetKey], columns: Mapping[AssetKey, Sequence[str]], aggregates: frozenset[str]
    ) -> None:
        self._tables = {name.lower(): key for name, key in tables.items()}
        self._columns = columns
        self._aggregates = aggregates
        self._count = 0
        self.uses: set[tuple[Role, Source]] = set()
        self.ctes: list[Form] = []
        #: What a column of a derived table is: an item of a star. Those that nobody reads mean nothing.
        self.items: dict[tuple[int, str], int] = {}
        self.kept: set[int] = set()
        self._stars = 0

    def query(self, node: Json, names: _Names) -> _Query:
        """A select, a set operation, or one that recurs."""
        names = self._with(node, names)
        match node["type"]:
            case "SELECT_NODE":
                return self._select(node, names)
            case "SET_OPERATION_NODE":
                return self._set_operation(node, names)
            case kind:
                raise NotFollowed(f"{kind.lower().removesuffix('_node').replace('_', ' ')} is not followed")

    def _with(self, node: Json, names: _Names) -> _Names:
        ctes = dict(names.ctes)
        for entry in (node.get("cte_map") or {}).get("map", ()):
            value = entry["value"]
            inside = value["query"]["node"] if "query" in value else value["query_node"]
            before = _Names(names.source, names.aliases, dict(ctes), names.own, names.outer)
            ctes[entry["key"].lower()] = _Cte(inside, value.get("aliases") or (), before)
        return _Names(names.source, names.aliases, ctes, names.own, names.outer)

    # -- selects

    def _select(self, node: Json, names: _Names) -> _Query:
        source = self._from(node["from_table"], names)
        inside = names.below(source)
        given: list[_Field] = []
        items: list[Form] = []
        numbers: list[int | None] = []
        grouped: list[_Field] = []
        for item in node["select_list"]:
            star = item["class"] == "STAR"
            for each in self._item(item, inside, source):
                given.append(each)
                self._stars += star
                numbers.append(self._stars if star else None)
                items.append({"item": self._stars, "is": each.form} if star else each.form)
                if each.name:
                    aliases = {each.name.lower(): each, **inside.aliases}
                    inside = _Names(source, aliases, inside.ctes, inside.own, inside.outer)
                if node.get("aggregate_handling") == "FORCE_AGGREGATES" and not self._aggregated(item):
                    grouped.append(each)
        self.uses |= {(Role.GROUP, one) for each in grouped for one in each.values}
        groups = [self._positioned(each, inside, given, Role.GROUP) for each in node.get("group_expressions") or ()]
        form = {
            "from": source.form,
            "where": self._condition(node.get("where_clause"), inside, Role.FILTER),
            "select": items,
            "group": groups,
            "sets": node.get("group_sets") or [],
            "handling": node.get("aggregate_handling"),
            "having": self._condition(node.get("having"), inside, Role.FILTER),
            "qualify": self._condition(node.get("qualify"), inside, Role.FILTER),
            "sample": _plain(node.get("sample")),
            "modifiers": [self._modifier(each, inside, given) for each in node.get("modifiers") or ()],
        }
        found = _Query(form, tuple(given), source.rows, tuple(numbers))
        together = any(each["type"] == "DISTINCT_MODIFIER" for each in node.get("modifiers") or ())
        if together or node.get("aggregate_handling") == "FORCE_AGGREGATES":
            self.keep(found)
        return found

    def keep(self, query: _Query) -> None:
        """All that a query gives counts: by its place, or together."""
        self.kept.update(each for each in query.items if each is not None)

    def _condition(self, node: Json, names: _Names, role: Role) -> Form:
        return None if node is None else self._expression(node, names, set(), role)

    def _item(self, item: Json, names: _Names, source: _From) -> Iterable[_Field]:
        if item["class"] == "STAR":
            return self._star(item, names, source)
        values: set[Source] = set()
        form = self._expression({**item, "alias": ""}, names, values, None)
        name = item.get("alias") or (item["column_names"][-1] if item["class"] == "COLUMN_REF" else "")
        itself = self._find(item["column_names"], names, None) if item["class"] == "COLUMN_REF" else None
        return (_Field(name, form, frozenset(values), itself.itself if itself is not None else None),)

    def _star(self, item: Json, names: _Names, source: _From) -> Iterable[_Field]:
        if item.get("columns") or item.get("expr"):
            raise NotFollowed("columns(…) is not followed")
        relation = (item.get("relation_name") or "").lower()
        renamed = {entry["key"]["column"].lower(): entry["value"] for entry in item.get("rename_list") or ()}
        replaced = {entry["key"].lower(): entry["value"] for entry in item.get("replace_list") or ()}
        without = {name.lower() for name in item.get("exclude_list") or ()}
        without |= {entry["column"].lower() for entry in item.get("qualified_exclude_list") or ()}
        if relation:
            of = next((each for each in source.relations if each.name.lower() == relation), None)
            if of is None or of.rest is not None:
                raise NotFollowed(f"{relation}.* is not followed")
            listed: Iterable[_Field] = of.fields
        else:
            if any(each.rest is not None for each in source.relations):
                raise NotFollowed("the columns of a function are not known")
            listed = [each for _, each in source.star]
        found: list[_Field] = []
        for each in listed:
            name = each.name.lower()
            if name in without:
                continue
            if name in replaced:
                values: set[Source] = set()
                form = self._expression({**replaced[name], "alias": ""}, names, values, None)
                found.append(_Field(each.name, form, frozenset(values)))
            else:
                found.append(_Field(renamed.get(name, each.name), each.form, each.values, each.itself))
        return found

    def _modifier(self, node: Json, names: _Names, given: Sequence[_Field]) -> Form:
        match node["type"]:
            case "ORDER_MODIFIER":
                return ["order", [self._ordered(each, names, given) for each in node["orders"]]]
            case "DISTINCT_MODIFIER":
                targets = node.get("distinct_on_targets") or ()
                return ["distinct", [self._positioned(each, names, given, Role.GROUP) for each in targets]]
            case _:
                parts = {
                    key: self._expression(value, names, set(), Role.FILTER) if isinstance(value, dict) else value
                    for key, value in node.items()
                    if key not in _PLACES
                }
                return ["limit", parts]

    def _ordered(self, node: Json, names: _Names, given: Sequence[_Field]) -> Form:
        what = node["expression"]
        if what["class"] == "STAR":
            self.uses |= {(Role.ORDER, one) for each in given for one in each.values}
            return [node["type"], node["null_order"], "all"]
        if what["class"] == "COLUMN_REF" and len(what["column_names"]) == 1:
            name = what["column_names"][0].lower()
            for each in given:
                if each.name.lower() == name:
                    self.uses |= {(Role.ORDER, one) for one in each.values}
                    return [node["type"], node["null_order"], each.form]
        return [node["type"], node["null_order"], self._positioned(what, names, given, Role.ORDER)]

    def _positioned(self, node: Json, names: _Names, given: Sequence[_Field], role: Role) -> Form:
        """An expression, or the number of a column that is given."""
        number = _whole_number(node)
        if number is not None and 1 <= number <= len(given):
            self.uses |= {(role, one) for one in given[number - 1].values}
            return given[number - 1].form
        return self._expression(node, names, set(), role)

    def _aggregated(self, node: Json) -> bool:
        """Whether an expression makes one value of many rows."""
        if isinstance(node, list):
            return any(map(self._aggregated, node))
        if not isinstance(node, dict) or node.get("class") in {"WINDOW", "SUBQUERY"}:
            return False
        if node.get("class") == "FUNCTION" and str(node["function_name"]).lower() in self._aggregates:
            return True
        return any(map(self._aggregated, node.values()))

    def _set_operation(self, node: Json, names: _Names) -> _Query:
        children = node.get("children") or [node["left"], node["right"]]
        parts = [self.query(child, names.below()) for child in children]
        for part in parts:
            self.keep(part)
        kind = node["setop_type"]
        given: list[_Field] = list(parts[0].columns)
        for part in parts[1:]:
            if kind == "EXCEPT":
                self.uses |= {(Role.FILTER, one) for each in part.columns for one in each.values}
            elif kind == "UNION_BY_NAME":
                given = _by_name(given, part.columns)
            else:
                given = [_both(one, other) for one, other in zip(given, part.columns, strict=True)]
        given = [_Field(each.name, ["output", place], each.values) for place, each in enumerate(given)]
        inside = _Names(None, {each.name.lower(): each for each in given if each.name}, names.ctes, outer=names.outer)
        form = {
            "set": kind,
            "all": node.get("setop_all"),
            "parts": [part.form for part in parts],
            "names": [[each.name for each in part.columns] for part in parts] if kind == "UNION_BY_NAME" else [],
            "modifiers": [self._modifier(each, inside, given) for each in node.get("modifiers") or ()],
        }
        return _Query(form, tuple(given), frozenset(one for part in parts for one in part.rows))

    def _recurring(self, cte: _Cte, name: str) -> _Query:
        """One that reads itself: its sources are those of its first part, and what they become going round."""
        node, names = cte.node, self._with(cte.node, cte.names)
        first = self.query(node["left"], names.below())
        self.keep(first)
        aliases = node.get("aliases") or cte.aliases
        given = list(_renamed(first.columns, aliases))
        while True:
            own = _Cte(node, (), names, cte.number, _Query(None, tuple(given), first.rows))
            inside = _Names(None, {}, {**names.ctes, name: own}, outer=names.outer)
            count = self._count
            again = self.query(node["right"], inside.below())
            self.keep(again)
            wider = [_both(one, other) for one, other in zip(given, again.columns, strict=True)]
            if [each.values for each in wider] == [each.values for each in given]:
                form = {"first": first.form, "again": again.form, "all": node.get("union_all")}
                return _Query(form, tuple(wider), first.rows | again.rows)
            given, self._count = wider, count

    # -- what is read

    def _from(self, node: Json, names: _Names) -> _From:
        match node["type"]:
            case "EMPTY":
                return _From(None)
            case "BASE_TABLE":
                return self._table(node, names)
            case "SUBQUERY":
                inside = self.query(node["subquery"]["node"], names.below())
                return self._derived(inside, node, ["query", inside.form])
            case "JOIN":
                return self._join(node, names)
            case "EXPRESSION_LIST":
                return self._values(node, names)
            case "TABLE_FUNCTION":
                return self._function(node, names)
            case "PIVOT":
                return self._pivot(node, names) if node.get("aggregates") else self._unpivot(node, names)
            case kind:
                raise NotFollowed(f"{kind.lower().replace('_', ' ')} is not followed")

    def _table(self, node: Json, names: _Names) -> _From:
        table, schema = node["table_name"], node.get("schema_name") or ""
        cte = names.ctes.get(table.lower()) if not schema else None
        if cte is not None:
            found = self._cte(cte, table.lower())
            return self._derived(found, node, ["cte", cte.number], name=table)
        written = f"{schema}.{table}" if schema else table
        key = self._tables.get(written.lower())
        if key is None:
            raise NotFollowed(f"the table {written} is not followed")
        number = self._next()
        aliases = node.get("column_name_alias") or ()
        fields = []
        for place, name in enumerate(self._columns[key]):
            shown = aliases[place] if place < len(aliases) else name
            own = Source(key, name)
            fields.append(_Field(shown, ["column", number, name], frozenset({own}), own))
        relation = _Relation(node.get("alias") or table, tuple(fields))
        form = ["table", str(key), number, _plain(node.get("sample"))]
        return _one(form, relation, frozenset({Source(key, "")}))

    def _cte(self, cte: _Cte, name: str) -> _Query:
        if cte.found is None:
            cte.number = len(self.ctes)
            self.ctes.append(None)
            if cte.node["type"] == "RECURSIVE_CTE_NODE":
                cte.found = self._recurring(cte, name)
            else:
                found = self.query(cte.node, cte.names.below())
                cte.found = _Query(found.form, tuple(_renamed(found.columns, cte.aliases)), found.rows, found.items)
            self.ctes[cte.number] = cte.found.form
        return cte.found

    def _derived(self, inside: _Query, node: Json, form: Form, name: str = "") -> _From:
        number = self._next()
        columns = _renamed(inside.columns, node.get("column_name_alias") or ())
        fields = []
        for place, each in enumerate(columns):
            name = each.name.lower() or f"#{place}"
            fields.append(_Field(each.name, ["column", number, name], each.values, each.itself))
            if inside.items and (item := inside.items[place]) is not None:
                self.items[number, name] = item
        whole = [*form, number, _plain(node.get("sample"))]
        return _one(whole, _Relation(node.get("alias") or name, tuple(fields)), inside.rows)

    def _values(self, node: Json, names: _Names) -> _From:
        number = self._next()
        rows = node["values"]
        found: list[set[Source]] = [set() for _ in rows[0]]
        forms = [[self._expression(each, names, found[place], None) for place, each in enumerate(row)] for row in rows]
        listed = node.get("column_name_alias") or node.get("expected_names") or ()
        shown = [listed[place] if place < len(listed) else f"col{place}" for place in range(len(found))]
        fields = tuple(
            _Field(name, ["column", number, place], frozenset(found[place])) for place, name in enumerate(shown)
        )
        return _one(["values", number, forms], _Relation(node.get("alias") or "", fields), _NO_SOURCES)

    def _function(self, node: Json, names: _Names) -> _From:
        number = self._next()
        values: set[Source] = set()
        form = self._expression(node["function"], names, values, None)
        sources = frozenset(values)
        aliases = node.get("column_name_alias") or ()
        fields = tuple(_Field(name, ["column", number, place], sources) for place, name in enumerate(aliases))
        rest = None if fields else _Field("", ["column", number, ""], sources)
        name = node.get("alias") or str(node["function"]["function_name"])
        whole = ["function", number, form, node.get("with_ordinality")]
        return _one(whole, _Relation(name, fields, rest), _NO_SOURCES)

    def _pivot(self, node: Json, names: _Names) -> _From:
        """The columns that are grouped by, and one for each value and aggregate: of all rows that have the value."""
        source = self._from(node["source"], names)
        inside = names.below(source)
        turned: set[Source] = set()
        entries = [[_entry(each) for each in pivot["entries"]] for pivot in node["pivots"]]
        ons = [self._expression(pivot["pivot_expressions"], inside, turned, None) for pivot in node["pivots"]]
        totals: list[tuple[str, set[Source], Form]] = []
        for each in node["aggregates"]:
            values: set[Source] = set()
            form = self._expression({**each, "alias": ""}, inside, values, None)
            totals.append((each.get("alias") or "", values, form))
        read = turned | {one for _, values, _ in totals for one in values}
        groups = [name.lower() for name in node.get("groups") or ()]
        kept = [
            each
            for _, each in source.star
            if (each.name.lower() in groups if groups else not each.values <= read or not each.values)
        ]
        self.uses |= {(Role.GROUP, one) for one in turned} | {(Role.GROUP, one) for each in kept for one in each.values}
        number = self._next()
        fields = [_Field(each.name, ["column", number, each.form], each.values, each.itself) for each in kept]
        for combination in product(*entries):
            for alias, values, _ in totals:
                name = "_".join([*combination, *([alias] if alias else [])])
                fields.append(_Field(name, ["column", number, name], frozenset(values)))
        form = [
            "pivot",
            number,
            source.form,
            ons,
            entries,
            [each for _, _, each in totals],
            [each.form for each in kept],
        ]
        return _one(form, _Relation(node.get("alias") or "", tuple(fields)), source.rows)

    def _unpivot(self, node: Json, names: _Names) -> _From:
        """The columns that stay, one of names, and one of the values that stood under these names."""
        source = self._from(node["source"], names)
        (pivot,) = node["pivots"]
        listed = [each.get("star_expr") for each in pivot["entries"]]
        if len(node["unpivot_names"]) != 1 or any(each is None or each["class"] != "COLUMN_REF" for each in listed):
            raise NotFollowed("unpivot over other than columns is not followed")
        turned = {each["column_names"][-1].lower() for each in listed}
        gone = [each for _, each in source.star if each.name.lower() in turned]
        number = self._next()
        values = frozenset(one for each in gone for one in each.values)
        fields = [each for _, each in source.star if each.name.lower() not in turned]
        fields.append(_Field(pivot["unpivot_names"][0], ["column", number, 0], _NO_SOURCES))
        fields.append(_Field(node["unpivot_names"][0], ["column", number, 1], values))
        form = ["unpivot", number, source.form, [each.form for each in gone], node.get("include_nulls")]
        return _one(form, _Relation(node.get("alias") or "", tuple(fields)), source.rows)

    def _join(self, node: Json, names: _Names) -> _From:
        left = self._from(node["left"], names)
        right = self._from(node["right"], names.below(left))
        kind, side = node["join_type"], node["ref_type"]
        using = [name.lower() for name in node.get("using_columns") or ()]
        if side == "NATURAL":
            theirs = {each.name.lower() for _, each in right.star}
            using = [each.name.lower() for _, each in left.star if each.name.lower() in theirs]
        merged = dict(left.merged) | {name: each for name, each in right.merged.items() if name not in left.merged}
        for name in using:
            one, other = _only(left, name), _only(right, name)
            self.uses |= {(Role.JOIN, source) for source in one.values | other.values}
            chosen = {"RIGHT": other, "OUTER": _both(one, other), "FULL": _both(one, other)}.get(kind, one)
            merged[name] = _Field(one.name, ["merged", one.form, other.form, kind], chosen.values, chosen.itself)
        relations = left.relations if kind in _SIDES else (*left.relations, *right.relations)
        star = [(name, merged[each.name.lower()] if each.name.lower() in using else each) for name, each in left.star]
        if kind not in _SIDES:
            star += [(name, each) for name, each in right.star if each.name.lower() not in using]
        both = _From(None, (*left.relations, *right.relations), tuple(star), merged, left.rows | right.rows)
        condition = self._condition(node.get("condition"), names.below(both), Role.JOIN)
        form = ["join", kind, side, left.form, right.form, sorted(using), condition]
        return _From(form, relations, tuple(star), merged, both.rows)

    def _next(self) -> int:
        self._count += 1
        return self._count

    # -- expressions

    def _expression(self, node: Json, names: _Names, values: set[Source], role: Role | None) -> Form:
        """The canonical form of an expression. What it reads is added to ``values``, or with a role to what is used."""
        if isinstance(node, list):
            return [self._expression(each, names, values, role) for each in node]
        if not isinstance(node, dict):
            return node
        match node.get("class"):
            case "COLUMN_REF":
                return self._column(node["column_names"], names, values, role)
            case "SUBQUERY":
                return self._subquery(node, names, values, role)
            case "WINDOW":
                return self._window(node, names, values, role)
            case "LAMBDA":
                own = _lambda_names(node["lhs"]) | names.own
                inside = _Names(names.source, names.aliases, names.ctes, own, names.outer)
                return ["lambda", _plain(node["lhs"]), self._expression(node["expr"], inside, values, role)]
            case "STAR":
                raise NotFollowed("columns(…) inside of an expression is not followed")
            case "POSITIONAL_REFERENCE":
                raise NotFollowed(f"#{node['index']} is not followed")
            case "FUNCTION":
                return self._call(node, names, values, role)
            case _:
                return self._parts(node, names, values, role)

    def _parts(
        self, node: Json, names: _Names, values: set[Source], role: Role | None, without: Iterable[str] = ()
    ) -> Form:
        skipped = {*_PLACES, *without}
        return {
            key: _caseless(value) if key in _CASELESS else self._expression(value, names, values, role)
            for key, value in node.items()
            if key not in skipped
        }

    def _call(self, node: Json, names: _Names, values: set[Source], role: Role | None) -> Form:
        name = str(node["function_name"]).lower()
        if name == "count_star" and names.source is not None:
            self._take(names.source.rows, values, role)
        form = self._parts(node, names, values, role, ("filter", "order_bys"))
        form["filter"] = self._condition(node.get("filter"), names, role or Role.FILTER)
        orders = (node.get("order_bys") or {}).get("orders") or ()
        form["order"] = [self._expression(each, names, set(), role or Role.ORDER) for each in orders]
        return form

    def _window(self, node: Json, names: _Names, values: set[Source], role: Role | None) -> Form:
        around = ("partitions", "orders", "start_expr", "end_expr", "arg_orders", "filter_expr", "filter")
        form = self._parts(node, names, values, role, around)
        for key in around:
            if key in node:
                form[key] = self._expression(node[key], names, set(), role or Role.WINDOW)
        return form

    def _subquery(self, node: Json, names: _Names, values: set[Source], role: Role | None) -> Form:
        inside = self.query(node["subquery"]["node"], names.below())
        self.keep(inside)
        if node["subquery_type"] != "EXISTS":
            self._take((one for each in inside.columns for one in each.values), values, role)
        form = self._parts(node, names, values, role, ("subquery",))
        form["query"] = inside.form
        return form

    def _column(self, path: Sequence[str], names: _Names, values: set[Source], role: Role | None) -> Form:
        if path[0].lower() in names.own:
            return ["own", [part.lower() for part in path]]
        fields: list[str] = []
        found = self._find(path, names, fields)
        if found is None:
            if len(path) == 1 and path[0].lower() in _CLOCK:
                return ["clock", path[0].lower()]
            raise NotFollowed(f"the name {'.'.join(path)} is not followed")
        if fields and found.itself is not None:
            self._take([Source(found.itself.asset, ".".join([found.itself.column, *fields]))], values, role)
        else:
            self._take(found.values, values, role)
        return [found.form, fields] if fields else found.form

    def _take(self, sources: Iterable[Source], values: set[Source], role: Role | None) -> None:
        if role is None:
            values.update(sources)
        else:
            self.uses |= {(role, each) for each in sources}

    def _find(self, path: Sequence[str], names: _Names, rest: list[str] | None) -> _Field | None:
        """What a name stands for, from the inside out; what follows of it are fields of a struct, added to ``rest``."""
        at: _Names | None = names
        while at is not None:
            if (found := _in_place(path, at)) is not None:
                if rest is not None:
                    rest += found[1]
                return found[0]
            at = at.outer
        return None


def _in_place(path: Sequence[str], names: _Names) -> tuple[_Field, Sequence[str]] | None:
    if names.source is not None:
        for start in (1, 2):  # orders.amount, and shop.orders.amount
            for relation in names.source.relations if len(path) > start else ():
                if relation.name.lower() == path[start - 1].lower() and (found := relation.find(path[start])):
                    return found, path[start + 1 :]
        name = path[0].lower()
        if (merged := names.source.merged.get(name)) is not None:
            return merged, path[1:]
        known = [each for relation in names.source.relations for each in relation.fields if each.name.lower() == name]
        if len(known) > 1:
            raise NotFollowed(f"the name {path[0]} may be one of several columns")
        if known:
            return known[0], path[1:]
    if (alias := names.aliases.get(path[0].lower())) is not None:
        return alias, path[1:]
    if names.source is not None and len(path) == 1:
        for relation in names.source.relations:
            if relation.name.lower() == path[0].lower():  # a whole row
                values = frozenset(one for each in relation.fields for one in each.values)
                if relation.rest is None:
                    return _Field(relation.name, ["row", [each.form for each in relation.fields]], values), ()
            if relation.rest is not None:
                return relation.rest, path[1:]
    return None


def _one(form: Form, relation: _Relation, rows: frozenset[Source]) -> _From:
    return _From(form, (relation,), tuple((relation.name, each) for each in relation.fields), {}, rows)


def _only(source: _From, name: str) -> _Field:
    """The column that ``using`` means on one side."""
    if name in source.merged:
        return source.merged[name]
    found = [each for _, each in source.star if each.name.lower() == name]
    if len(found) != 1:
        raise NotFollowed(f"the column {name} of a join is not followed")
    return found[0]


def _renamed(columns: Sequence[_Field], aliases: Sequence[str]) -> Iterable[_Field]:
    for place, each in enumerate(columns):
        yield _Field(aliases[place] if place < len(aliases) else each.name, each.form, each.values, each.itself)


def _both(one: _Field, other: _Field) -> _Field:
    itself = one.itself if one.itself == other.itself else None
    return _Field(one.name, one.form, one.values | other.values, itself)


def _by_name(given: list[_Field], more: Sequence[_Field]) -> list[_Field]:
    there = {each.name.lower(): place for place, each in enumerate(given)}
    for each in more:
        place = there.get(each.name.lower())
        if place is None:
            given.append(each)
        else:
            given[place] = _both(given[place], each)
    return given


def _entry(node: Json) -> str:
    """The value that a pivot's column stands for."""
    what = node.get("star_expr") or {}
    literal = what.get("literal") or {}
    if node.get("alias") or what.get("class") != "CONSTANT" or "text" not in literal:
        raise NotFollowed("pivot over other than values is not followed")
    return str(literal["text"])


def _pruned(form: Form, kept: set[int], items: Mapping[tuple[int, str], int]) -> Form:
    """The form without the items of stars that nothing reads."""
    kept = set(kept)
    contents: dict[int, Form] = {}
    waiting: list[Form] = [form]
    while waiting:
        at = waiting.pop()
        if isinstance(at, dict) and "item" in at:
            contents[at["item"]] = at["is"]
            if at["item"] in kept:
                waiting.append(at["is"])
        elif isinstance(at, dict):
            waiting += at.values()
        elif isinstance(at, list):
            item = items.get((at[1], at[2])) if _is_column(at) else None
            if item is not None and item not in kept:
                kept.add(item)
                waiting += [contents[item]] if item in contents else []
            waiting += at
    return _without(form, kept)


def _is_column(form: Sequence[Form]) -> bool:
    return len(form) == 3 and form[0] == "column" and isinstance(form[1], int) and isinstance(form[2], str)


def _without(form: Form, kept: set[int]) -> Form:
    if isinstance(form, dict):
        return _without(form["is"], kept) if "item" in form else {k: _without(v, kept) for k, v in form.items()}
    if isinstance(form, list):
        return [
            _without(each, kept)
            for each in form
            if not (isinstance(each, dict) and each.get("item", 0) not in {0, *kept})
        ]
    return form


def _whole_number(node: Json) -> int | None:
    if node.get("class") != "CONSTANT":
        return None
    literal = node.get("literal") or {}
    if literal.get("kind") == "INTEGER":
        return int(literal["text"])
    value = (node.get("value") or {}).get("value")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _lambda_names(node: Json) -> frozenset[str]:
    if isinstance(node, list):
        return frozenset(name for each in node for name in _lambda_names(each))
    if not isinstance(node, dict):
        return frozenset()
    if node.get("class") == "COLUMN_REF":
        return frozenset({node["column_names"][0].lower()})
    return frozenset(name for value in node.values() for name in _lambda_names(value))


def _plain(node: Json) -> Form:
    """A piece in which nothing is named, without places."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items() if key not in _PLACES}
    return [_plain(each) for each in node] if isinstance(node, list) else node


def _caseless(value: Json) -> Form:
    if isinstance(value, str):
        return value.lower()
    return [_caseless(each) for each in value] if isinstance(value, list) else value

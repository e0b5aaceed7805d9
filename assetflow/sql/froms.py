"""What a query reads: the tables, queries, functions and joins of a ``from``, as columns that can be named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Protocol

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Role
from assetflow.sql.forms import columns_named, entries_of, pivoted_name, plain, refuse_more, unpivoted_name
from assetflow.sql.naming import (
    Cte,
    Field,
    Form,
    From,
    Given,
    Json,
    Names,
    NotFollowed,
    Relation,
    joined_column,
    renamed,
    single,
    united,
)
from assetflow.sql.query import Source

__all__ = ["Froms", "Walk"]


class Walk(Protocol):
    """What reading asks of the walk over the whole query."""

    uses: set[tuple[Role, Source]]

    def query(self, node: Json, names: Names) -> Given: ...

    def cte(self, cte: Cte, name: str) -> Given: ...

    def condition(self, node: Json, names: Names, role: Role) -> Form: ...

    def expression(self, node: Json, names: Names, values: set[Source], role: Role | None) -> Form: ...


_NO_SOURCES: frozenset[Source] = frozenset()
_SIDES = frozenset({"SEMI", "ANTI"})


class Froms:
    """Reads what stands after ``from``, on behalf of a walk."""

    def __init__(self, walk: Walk, tables: Mapping[str, AssetKey], columns: Mapping[AssetKey, Sequence[str]]) -> None:
        self._walk = walk
        self._tables = {name.lower(): key for name, key in tables.items()}
        self._columns = columns
        #: How many relations there are so far: each has a number in the form.
        self.count = 0
        #: What a column of a derived table is: an item of a star. Those that nobody reads mean nothing.
        self.items: dict[tuple[int, str], int] = {}

    def read(self, node: Json, names: Names) -> From:
        refuse_more(node)
        match node["type"]:
            case "EMPTY":
                return From(None)
            case "BASE_TABLE":
                return self._table(node, names)
            case "SUBQUERY":
                inside = self._walk.query(node["subquery"]["node"], names.below())
                return self._derived(inside, node, ["query", inside.form])
            case "JOIN":
                return self._join(node, names)
            case "EXPRESSION_LIST":
                return self._values(node, names)
            case "TABLE_FUNCTION":
                return self._function(node, names)
            case _:
                return self._pivot(node, names) if node.get("aggregates") else self._unpivot(node, names)

    def _table(self, node: Json, names: Names) -> From:
        table, schema = node["table_name"], node.get("schema_name") or ""
        cte = names.ctes.get(table.lower()) if not schema else None
        if cte is not None:
            found = self._walk.cte(cte, table.lower())
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
            fields.append(Field(shown, ["column", number, name], frozenset({own}), own))
        relation = Relation(node.get("alias") or table, tuple(fields))
        form = ["table", str(key), number, plain(node.get("sample"))]
        return single(form, relation, frozenset({Source(key, "")}))

    def _derived(self, inside: Given, node: Json, form: Form, name: str = "") -> From:
        number = self._next()
        columns = renamed(inside.columns, node.get("column_name_alias") or ())
        fields = []
        for place, each in enumerate(columns):
            own = each.name.lower() or f"#{place}"
            fields.append(Field(each.name, ["column", number, own], each.values, each.itself))
            if inside.items and (item := inside.items[place]) is not None:
                self.items[number, own] = item
        whole = [*form, number, plain(node.get("sample"))]
        return single(whole, Relation(node.get("alias") or name, tuple(fields)), inside.rows)

    def _values(self, node: Json, names: Names) -> From:
        number = self._next()
        rows = node["values"]
        found: list[set[Source]] = [set() for _ in rows[0]]
        forms = [
            [self._walk.expression(each, names, found[place], None) for place, each in enumerate(row)] for row in rows
        ]
        listed = node.get("column_name_alias") or node.get("expected_names") or ()
        shown = [listed[place] if place < len(listed) else f"col{place}" for place in range(len(found))]
        fields = tuple(
            Field(name, ["column", number, place], frozenset(found[place])) for place, name in enumerate(shown)
        )
        return single(["values", number, forms], Relation(node.get("alias") or "", fields), _NO_SOURCES)

    def _function(self, node: Json, names: Names) -> From:
        number = self._next()
        values: set[Source] = set()
        form = self._walk.expression(node["function"], names, values, None)
        sources = frozenset(values)
        self._walk.uses |= {(Role.FILTER, one) for one in sources}  # as many rows as it gives
        aliases = node.get("column_name_alias") or ()
        fields = tuple(Field(name, ["column", number, place], sources) for place, name in enumerate(aliases))
        rest = None if fields else Field("", ["column", number, ""], sources)
        name = node.get("alias") or str(node["function"]["function_name"])
        whole = ["function", number, form, node.get("with_ordinality")]
        return single(whole, Relation(name, fields, rest), _NO_SOURCES)

    def _pivot(self, node: Json, names: Names) -> From:
        """The columns that are grouped by, and one for each value and aggregate: of all rows that have the value."""
        source = self.read(node["source"], names)
        inside = names.below(source)
        turned: set[Source] = set()
        entries = [[pivoted_name(each) for each in pivot["entries"]] for pivot in node["pivots"]]
        ons = [self._walk.expression(pivot["pivot_expressions"], inside, turned, None) for pivot in node["pivots"]]
        totals: list[tuple[str, set[Source], Form]] = []
        for each in node["aggregates"]:
            values: set[Source] = set()
            form = self._walk.expression({**each, "alias": ""}, inside, values, None)
            totals.append((each.get("alias") or "", values, form))
        named = columns_named([node["aggregates"], [pivot["pivot_expressions"] for pivot in node["pivots"]]])
        groups = {name.lower() for name in node.get("groups") or ()}
        kept = [
            each
            for _, each in source.star
            if (each.name.lower() in groups if groups else each.name.lower() not in named)
        ]
        self._walk.uses |= {(Role.GROUP, one) for one in turned} | {
            (Role.GROUP, one) for each in kept for one in each.values
        }
        number = self._next()
        fields = [Field(each.name, ["column", number, each.form], each.values, each.itself) for each in kept]
        for combination in product(*entries):
            for alias, values, _ in totals:
                name = "_".join([*combination, *([alias] if alias else [])])
                fields.append(Field(name, ["column", number, name], frozenset(values)))
        form = [
            "pivot",
            number,
            source.form,
            ons,
            [entries_of(pivot) for pivot in node["pivots"]],
            [each for _, _, each in totals],
            [each.form for each in kept],
            [each.form for _, each in source.star],
            node.get("include_nulls"),
        ]
        return single(form, Relation(node.get("alias") or "", tuple(fields)), source.rows)

    def _unpivot(self, node: Json, names: Names) -> From:
        """The columns that stay, one of names, and one of the values that stood under these names."""
        source = self.read(node["source"], names)
        (pivot,) = node["pivots"]
        if len(node["unpivot_names"]) != 1:
            raise NotFollowed("unpivot into several columns is not followed")
        turned = {unpivoted_name(each).lower() for each in pivot["entries"]}
        gone = [each for _, each in source.star if each.name.lower() in turned]
        number = self._next()
        values = frozenset(one for each in gone for one in each.values)
        fields = [each for _, each in source.star if each.name.lower() not in turned]
        fields.append(Field(pivot["unpivot_names"][0], ["column", number, 0], _NO_SOURCES))
        fields.append(Field(node["unpivot_names"][0], ["column", number, 1], values))
        if not node.get("include_nulls"):
            self._walk.uses |= {(Role.FILTER, one) for one in values}
        everything = [each.form for _, each in source.star]
        form = ["unpivot", number, source.form, everything, entries_of(pivot), node.get("include_nulls")]
        return single(form, Relation(node.get("alias") or "", tuple(fields)), source.rows)

    def _join(self, node: Json, names: Names) -> From:
        left = self.read(node["left"], names)
        right = self.read(node["right"], names.below(left))
        kind, side = node["join_type"], node["ref_type"]
        using = [name.lower() for name in node.get("using_columns") or ()]
        if side == "NATURAL":
            theirs = {each.name.lower() for _, each in right.star}
            using = [each.name.lower() for _, each in left.star if each.name.lower() in theirs]
        merged = dict(left.merged) | {name: each for name, each in right.merged.items() if name not in left.merged}
        joined: list[Form] = []
        for name in using:
            one, other = joined_column(left, name), joined_column(right, name)
            self._walk.uses |= {(Role.JOIN, source) for source in one.values | other.values}
            joined.append([one.form, other.form])
            chosen = {"RIGHT": other, "OUTER": united(one, other), "FULL": united(one, other)}.get(kind, one)
            merged[name] = Field(one.name, ["merged", one.form, other.form, kind], chosen.values, chosen.itself)
        relations = left.relations if kind in _SIDES else (*left.relations, *right.relations)
        star = [(name, merged[each.name.lower()] if each.name.lower() in using else each) for name, each in left.star]
        if kind not in _SIDES:
            star += [(name, each) for name, each in right.star if each.name.lower() not in using]
        both = From(None, (*left.relations, *right.relations), tuple(star), merged, left.rows | right.rows)
        condition = self._walk.condition(node.get("condition"), names.below(both), Role.JOIN)
        form = ["join", kind, side, left.form, right.form, joined, condition]
        return From(form, relations, tuple(star), merged, both.rows)

    def _next(self) -> int:
        self.count += 1
        return self.count

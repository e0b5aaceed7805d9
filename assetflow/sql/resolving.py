"""A query resolved: every name is the column it stands for, stars are written out, and each column has its sources.

This walks the tree that DuckDB parsed, by DuckDB's rules for names: a column before an alias (in ``order by`` an alias
first), the nearest query outwards, a side of a join before what stands right of it. What is not followed is given up
as a whole, with the reason; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Role
from assetflow.sql.forms import (
    CASELESS,
    CLOCK,
    PLACES,
    caseless,
    columns_named,
    entries_of,
    is_order_by_all,
    pivoted_name,
    plain,
    pruned,
    refuse_more,
    unpivoted_name,
    whole_number,
)
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
    by_name,
    in_place,
    joined_column,
    renamed,
    single,
    united,
)
from assetflow.sql.query import Source

__all__ = ["NotFollowed", "Resolved", "resolved"]


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
    found = walk.query(node, Names())
    walk.keep(found)
    form = pruned([found.form, walk.ctes], walk.kept, walk.items)
    return Resolved(form, tuple(each.values for each in found.columns), frozenset(walk.uses))


_NO_SOURCES: frozenset[Source] = frozenset()
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

    def query(self, node: Json, names: Names) -> Given:
        """A select, a set operation, or one that recurs."""
        while node["type"] == "CTE_NODE":  # as DuckDB 1 says it: what is below has the definitions too
            node = node["child"]
        refuse_more(node)
        names = self._with(node, names)
        if node["type"] == "SET_OPERATION_NODE":
            return self._set_operation(node, names)
        return self._select(node, names)

    def _with(self, node: Json, names: Names) -> Names:
        ctes = dict(names.ctes)
        for entry in (node.get("cte_map") or {}).get("map", ()):
            value = entry["value"]
            inside = value["query"]["node"] if "query" in value else value["query_node"]
            before = Names(names.source, names.aliases, dict(ctes), names.own, names.outer)
            ctes[entry["key"].lower()] = Cte(inside, value.get("aliases") or (), before)
        return Names(names.source, names.aliases, ctes, names.own, names.outer)

    # -- selects

    def _select(self, node: Json, names: Names) -> Given:
        source = self._from(node["from_table"], names)
        inside = names.below(source)
        given: list[Field] = []
        items: list[Form] = []
        numbers: list[int | None] = []
        grouped: list[Field] = []
        for item in node["select_list"]:
            for each, passed_on in self._item(item, inside, source):
                given.append(each)
                self._stars += passed_on
                numbers.append(self._stars if passed_on else None)
                items.append({"item": self._stars, "is": each.form} if passed_on else each.form)
                if each.name:
                    aliases = {each.name.lower(): each, **inside.aliases}
                    inside = Names(source, aliases, inside.ctes, inside.own, inside.outer)
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
            "sample": plain(node.get("sample")),
            "modifiers": [self._modifier(each, inside, given) for each in node.get("modifiers") or ()],
        }
        found = Given(form, tuple(given), source.rows, tuple(numbers))
        together = any(each["type"] == "DISTINCT_MODIFIER" for each in node.get("modifiers") or ())
        if together and not any(each.get("distinct_on_targets") for each in node["modifiers"]):
            self.uses |= {(Role.GROUP, one) for each in given for one in each.values}
        ordered = any(is_order_by_all(each) for each in node.get("modifiers") or ())
        if together or ordered or node.get("aggregate_handling") == "FORCE_AGGREGATES":
            self.keep(found)
        return found

    def keep(self, query: Given) -> None:
        """All that a query gives counts: by its place, or together."""
        self.kept.update(each for each in query.items if each is not None)

    def _condition(self, node: Json, names: Names, role: Role) -> Form:
        return None if node is None else self._expression(node, names, set(), role)

    def _item(self, item: Json, names: Names, source: From) -> Iterable[tuple[Field, bool]]:
        """What an item gives, each with whether a star only passes it on."""
        if item["class"] == "STAR":
            return self._star(item, names, source)
        values: set[Source] = set()
        form = self._expression({**item, "alias": ""}, names, values, None)
        name = item.get("alias") or (item["column_names"][-1] if item["class"] == "COLUMN_REF" else "")
        itself = self._find(item["column_names"], names, None) if item["class"] == "COLUMN_REF" else None
        return [(Field(name, form, frozenset(values), itself.itself if itself is not None else None), False)]

    def _star(self, item: Json, names: Names, source: From) -> Iterable[tuple[Field, bool]]:
        if item.get("columns") or item.get("expr"):
            raise NotFollowed("columns(…) is not followed")
        refuse_more(item)
        relation = (item.get("relation_name") or "").lower()
        renamed = {entry["key"]["column"].lower(): entry["value"] for entry in item.get("rename_list") or ()}
        replaced = {entry["key"].lower(): entry["value"] for entry in item.get("replace_list") or ()}
        without = {name.lower() for name in item.get("exclude_list") or ()}
        without |= {entry["column"].lower() for entry in item.get("qualified_exclude_list") or ()}
        if relation:
            of = next((each for each in source.relations if each.name.lower() == relation), None)
            if of is None or of.rest is not None:
                raise NotFollowed(f"{relation}.* is not followed")
            listed: Iterable[Field] = of.fields
        else:
            if any(each.rest is not None for each in source.relations):
                raise NotFollowed("the columns of a function are not known")
            listed = [each for _, each in source.star]
        found: list[tuple[Field, bool]] = []
        for each in listed:
            name = each.name.lower()
            if name in without:
                continue
            if name in replaced:
                values: set[Source] = set()
                form = self._expression({**replaced[name], "alias": ""}, names, values, None)
                found.append((Field(each.name, form, frozenset(values)), False))
            else:
                called = renamed.get(name, each.name)
                found.append((Field(called, each.form, each.values, each.itself), called == each.name))
        return found

    def _modifier(self, node: Json, names: Names, given: Sequence[Field]) -> Form:
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
                    if key not in PLACES
                }
                return ["limit", parts]

    def _ordered(self, node: Json, names: Names, given: Sequence[Field]) -> Form:
        what = node["expression"]
        if what["class"] == "STAR":  # order by all
            self.uses |= {(Role.ORDER, one) for each in given for one in each.values}
            return [node["type"], node["null_order"], plain(what)]
        if what["class"] == "COLUMN_REF" and len(what["column_names"]) == 1:
            name = what["column_names"][0].lower()
            for each in given:
                if each.name.lower() == name:
                    self.uses |= {(Role.ORDER, one) for one in each.values}
                    return [node["type"], node["null_order"], each.form]
        return [node["type"], node["null_order"], self._positioned(what, names, given, Role.ORDER)]

    def _positioned(self, node: Json, names: Names, given: Sequence[Field], role: Role) -> Form:
        """An expression, or the number of a column that is given."""
        number = whole_number(node)
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

    def _set_operation(self, node: Json, names: Names) -> Given:
        children = node.get("children") or [node["left"], node["right"]]
        parts = [self.query(child, names.below()) for child in children]
        for part in parts:
            self.keep(part)
        kind = node["setop_type"]
        # Which rows there are, and how often, depends on what is in them.
        compared = Role.FILTER if kind in {"EXCEPT", "INTERSECT"} else None if node.get("setop_all") else Role.GROUP
        if compared is not None:
            self.uses |= {(compared, one) for part in parts for each in part.columns for one in each.values}
        given: list[Field] = list(parts[0].columns)
        for part in parts[1:]:
            if kind == "UNION_BY_NAME":
                given = by_name(given, part.columns)
            elif kind != "EXCEPT":
                given = [united(one, other) for one, other in zip(given, part.columns, strict=True)]
        given = [Field(each.name, ["output", place], each.values) for place, each in enumerate(given)]
        inside = Names(None, {each.name.lower(): each for each in given if each.name}, names.ctes, outer=names.outer)
        form = {
            "set": kind,
            "all": node.get("setop_all"),
            "parts": [part.form for part in parts],
            "names": [[each.name for each in part.columns] for part in parts] if kind == "UNION_BY_NAME" else [],
            "modifiers": [self._modifier(each, inside, given) for each in node.get("modifiers") or ()],
        }
        return Given(form, tuple(given), frozenset(one for part in parts for one in part.rows))

    def _recurring(self, cte: Cte, name: str) -> Given:
        """One that reads itself: its sources are those of its first part, and what they become going round."""
        refuse_more(cte.node)
        node, names = cte.node, self._with(cte.node, cte.names)
        first = self.query(node["left"], names.below())
        self.keep(first)
        aliases = node.get("aliases") or cte.aliases
        given = list(renamed(first.columns, aliases))
        while True:
            own = Cte(node, (), names, cte.number, Given(None, tuple(given), first.rows))
            inside = Names(None, {}, {**names.ctes, name: own}, outer=names.outer)
            count = self._count
            again = self.query(node["right"], inside.below())
            self.keep(again)
            wider = [united(one, other) for one, other in zip(given, again.columns, strict=True)]
            if [each.values for each in wider] == [each.values for each in given]:
                if not node.get("union_all"):
                    self.uses |= {(Role.GROUP, one) for each in wider for one in each.values}
                form = {"first": first.form, "again": again.form, "all": node.get("union_all")}
                return Given(form, tuple(wider), first.rows | again.rows)
            given, self._count = wider, count

    # -- what is read

    def _from(self, node: Json, names: Names) -> From:
        refuse_more(node)
        match node["type"]:
            case "EMPTY":
                return From(None)
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
            case _:
                return self._pivot(node, names) if node.get("aggregates") else self._unpivot(node, names)

    def _table(self, node: Json, names: Names) -> From:
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
            fields.append(Field(shown, ["column", number, name], frozenset({own}), own))
        relation = Relation(node.get("alias") or table, tuple(fields))
        form = ["table", str(key), number, plain(node.get("sample"))]
        return single(form, relation, frozenset({Source(key, "")}))

    def _cte(self, cte: Cte, name: str) -> Given:
        if cte.found is None:
            cte.number = len(self.ctes)
            self.ctes.append(None)
            if cte.node["type"] == "RECURSIVE_CTE_NODE":
                cte.found = self._recurring(cte, name)
            else:
                found = self.query(cte.node, cte.names.below())
                cte.found = Given(found.form, tuple(renamed(found.columns, cte.aliases)), found.rows, found.items)
            self.ctes[cte.number] = cte.found.form
        return cte.found

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
        forms = [[self._expression(each, names, found[place], None) for place, each in enumerate(row)] for row in rows]
        listed = node.get("column_name_alias") or node.get("expected_names") or ()
        shown = [listed[place] if place < len(listed) else f"col{place}" for place in range(len(found))]
        fields = tuple(
            Field(name, ["column", number, place], frozenset(found[place])) for place, name in enumerate(shown)
        )
        return single(["values", number, forms], Relation(node.get("alias") or "", fields), _NO_SOURCES)

    def _function(self, node: Json, names: Names) -> From:
        number = self._next()
        values: set[Source] = set()
        form = self._expression(node["function"], names, values, None)
        sources = frozenset(values)
        self.uses |= {(Role.FILTER, one) for one in sources}  # as many rows as it gives
        aliases = node.get("column_name_alias") or ()
        fields = tuple(Field(name, ["column", number, place], sources) for place, name in enumerate(aliases))
        rest = None if fields else Field("", ["column", number, ""], sources)
        name = node.get("alias") or str(node["function"]["function_name"])
        whole = ["function", number, form, node.get("with_ordinality")]
        return single(whole, Relation(name, fields, rest), _NO_SOURCES)

    def _pivot(self, node: Json, names: Names) -> From:
        """The columns that are grouped by, and one for each value and aggregate: of all rows that have the value."""
        source = self._from(node["source"], names)
        inside = names.below(source)
        turned: set[Source] = set()
        entries = [[pivoted_name(each) for each in pivot["entries"]] for pivot in node["pivots"]]
        ons = [self._expression(pivot["pivot_expressions"], inside, turned, None) for pivot in node["pivots"]]
        totals: list[tuple[str, set[Source], Form]] = []
        for each in node["aggregates"]:
            values: set[Source] = set()
            form = self._expression({**each, "alias": ""}, inside, values, None)
            totals.append((each.get("alias") or "", values, form))
        named = columns_named([node["aggregates"], [pivot["pivot_expressions"] for pivot in node["pivots"]]])
        groups = {name.lower() for name in node.get("groups") or ()}
        kept = [
            each
            for _, each in source.star
            if (each.name.lower() in groups if groups else each.name.lower() not in named)
        ]
        self.uses |= {(Role.GROUP, one) for one in turned} | {(Role.GROUP, one) for each in kept for one in each.values}
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
        source = self._from(node["source"], names)
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
            self.uses |= {(Role.FILTER, one) for one in values}
        everything = [each.form for _, each in source.star]
        form = ["unpivot", number, source.form, everything, entries_of(pivot), node.get("include_nulls")]
        return single(form, Relation(node.get("alias") or "", tuple(fields)), source.rows)

    def _join(self, node: Json, names: Names) -> From:
        left = self._from(node["left"], names)
        right = self._from(node["right"], names.below(left))
        kind, side = node["join_type"], node["ref_type"]
        using = [name.lower() for name in node.get("using_columns") or ()]
        if side == "NATURAL":
            theirs = {each.name.lower() for _, each in right.star}
            using = [each.name.lower() for _, each in left.star if each.name.lower() in theirs]
        merged = dict(left.merged) | {name: each for name, each in right.merged.items() if name not in left.merged}
        joined: list[Form] = []
        for name in using:
            one, other = joined_column(left, name), joined_column(right, name)
            self.uses |= {(Role.JOIN, source) for source in one.values | other.values}
            joined.append([one.form, other.form])
            chosen = {"RIGHT": other, "OUTER": united(one, other), "FULL": united(one, other)}.get(kind, one)
            merged[name] = Field(one.name, ["merged", one.form, other.form, kind], chosen.values, chosen.itself)
        relations = left.relations if kind in _SIDES else (*left.relations, *right.relations)
        star = [(name, merged[each.name.lower()] if each.name.lower() in using else each) for name, each in left.star]
        if kind not in _SIDES:
            star += [(name, each) for name, each in right.star if each.name.lower() not in using]
        both = From(None, (*left.relations, *right.relations), tuple(star), merged, left.rows | right.rows)
        condition = self._condition(node.get("condition"), names.below(both), Role.JOIN)
        form = ["join", kind, side, left.form, right.form, joined, condition]
        return From(form, relations, tuple(star), merged, both.rows)

    def _next(self) -> int:
        self._count += 1
        return self._count

    # -- expressions

    def _expression(self, node: Json, names: Names, values: set[Source], role: Role | None) -> Form:
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
                own = columns_named(node["lhs"]) | names.own
                inside = Names(names.source, names.aliases, names.ctes, own, names.outer)
                return ["lambda", plain(node["lhs"]), self._expression(node["expr"], inside, values, role)]
            case "STAR":
                raise NotFollowed("columns(…) inside of an expression is not followed")
            case "POSITIONAL_REFERENCE":
                raise NotFollowed(f"#{node['index']} is not followed")
            case "FUNCTION":
                return self._call(node, names, values, role)
            case _:
                return self._parts(node, names, values, role)

    def _parts(
        self, node: Json, names: Names, values: set[Source], role: Role | None, without: Iterable[str] = ()
    ) -> Form:
        skipped = {*PLACES, *without}
        return {
            key: caseless(value) if key in CASELESS else self._expression(value, names, values, role)
            for key, value in node.items()
            if key not in skipped
        }

    def _call(self, node: Json, names: Names, values: set[Source], role: Role | None) -> Form:
        name = str(node["function_name"]).lower()
        if name == "count_star" and names.source is not None:
            self._take(names.source.rows, values, role)
        inner: set[Source] = set()
        form = self._parts(node, names, inner, role, ("filter", "order_bys"))
        values |= inner
        if name == "unnest":  # how long its lists are decides how often there is a row
            self.uses |= {(Role.FILTER, one) for one in inner}
        form["filter"] = self._condition(node.get("filter"), names, role or Role.FILTER)
        orders = (node.get("order_bys") or {}).get("orders") or ()
        form["order"] = [self._expression(each, names, set(), role or Role.ORDER) for each in orders]
        return form

    def _window(self, node: Json, names: Names, values: set[Source], role: Role | None) -> Form:
        around = ("partitions", "orders", "start_expr", "end_expr", "arg_orders", "filter_expr", "filter")
        form = self._parts(node, names, values, role, around)
        for key in around:
            if key in node:
                form[key] = self._expression(node[key], names, set(), role or Role.WINDOW)
        return form

    def _subquery(self, node: Json, names: Names, values: set[Source], role: Role | None) -> Form:
        inside = self.query(node["subquery"]["node"], names.below())
        self.keep(inside)
        if node["subquery_type"] != "EXISTS":
            self._take((one for each in inside.columns for one in each.values), values, role)
        form = self._parts(node, names, values, role, ("subquery",))
        form["query"] = inside.form
        return form

    def _column(self, path: Sequence[str], names: Names, values: set[Source], role: Role | None) -> Form:
        if path[0].lower() in names.own:
            return ["own", [part.lower() for part in path]]
        fields: list[str] = []
        found = self._find(path, names, fields)
        if found is None:
            if len(path) == 1 and path[0].lower() in CLOCK:
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

    def _find(self, path: Sequence[str], names: Names, rest: list[str] | None) -> Field | None:
        """What a name stands for, from the inside out; what follows of it are fields of a struct, added to ``rest``."""
        at: Names | None = names
        while at is not None:
            if (found := in_place(path, at)) is not None:
                if rest is not None:
                    rest += found[1]
                return found[0]
            at = at.outer
        return None

"""A query resolved: every name is the column it stands for, stars are written out, and each column has its sources.

This walks the tree that DuckDB parsed, by DuckDB's rules for names: a column before an alias (in ``order by`` an alias
first), the nearest query outwards, a side of a join before what stands right of it. What is not followed is given up
as a whole, with the reason; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Role
from assetflow.sql.forms import (
    CASELESS,
    CLOCK,
    PLACES,
    caseless,
    columns_named,
    is_order_by_all,
    plain,
    pruned,
    refuse_more,
    whole_number,
)
from assetflow.sql.froms import Froms
from assetflow.sql.naming import (
    Cte,
    Field,
    Form,
    From,
    Given,
    Json,
    Names,
    NotFollowed,
    by_name,
    in_place,
    renamed,
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


class _Walk:
    """One walk over one query."""

    def __init__(
        self, tables: Mapping[str, AssetKey], columns: Mapping[AssetKey, Sequence[str]], aggregates: frozenset[str]
    ) -> None:
        self._froms = Froms(self, tables, columns)
        self._aggregates = aggregates
        self.uses: set[tuple[Role, Source]] = set()
        self.ctes: list[Form] = []
        #: Items of stars that count, whoever reads them.
        self.kept: set[int] = set()
        self._stars = 0

    @property
    def items(self) -> Mapping[tuple[int, str], int]:
        return self._froms.items

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
        source = self._froms.read(node["from_table"], names)
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
            "where": self.condition(node.get("where_clause"), inside, Role.FILTER),
            "select": items,
            "group": groups,
            "sets": node.get("group_sets") or [],
            "handling": node.get("aggregate_handling"),
            "having": self.condition(node.get("having"), inside, Role.FILTER),
            "qualify": self.condition(node.get("qualify"), inside, Role.FILTER),
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

    def condition(self, node: Json, names: Names, role: Role) -> Form:
        return None if node is None else self.expression(node, names, set(), role)

    def _item(self, item: Json, names: Names, source: From) -> Iterable[tuple[Field, bool]]:
        """What an item gives, each with whether a star only passes it on."""
        if item["class"] == "STAR":
            return self._star(item, names, source)
        values: set[Source] = set()
        form = self.expression({**item, "alias": ""}, names, values, None)
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
                form = self.expression({**replaced[name], "alias": ""}, names, values, None)
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
                    key: self.expression(value, names, set(), Role.FILTER) if isinstance(value, dict) else value
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
        return self.expression(node, names, set(), role)

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
            count = self._froms.count
            again = self.query(node["right"], inside.below())
            self.keep(again)
            wider = [united(one, other) for one, other in zip(given, again.columns, strict=True)]
            if [each.values for each in wider] == [each.values for each in given]:
                if not node.get("union_all"):
                    self.uses |= {(Role.GROUP, one) for each in wider for one in each.values}
                form = {"first": first.form, "again": again.form, "all": node.get("union_all")}
                return Given(form, tuple(wider), first.rows | again.rows)
            given, self._froms.count = wider, count

    def cte(self, cte: Cte, name: str) -> Given:
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

    # -- expressions

    def expression(self, node: Json, names: Names, values: set[Source], role: Role | None) -> Form:
        """The canonical form of an expression. What it reads is added to ``values``, or with a role to what is used."""
        if isinstance(node, list):
            return [self.expression(each, names, values, role) for each in node]
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
                return ["lambda", plain(node["lhs"]), self.expression(node["expr"], inside, values, role)]
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
            key: caseless(value) if key in CASELESS else self.expression(value, names, values, role)
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
        form["filter"] = self.condition(node.get("filter"), names, role or Role.FILTER)
        orders = (node.get("order_bys") or {}).get("orders") or ()
        form["order"] = [self.expression(each, names, set(), role or Role.ORDER) for each in orders]
        return form

    def _window(self, node: Json, names: Names, values: set[Source], role: Role | None) -> Form:
        around = ("partitions", "orders", "start_expr", "end_expr", "arg_orders", "filter_expr", "filter")
        form = self._parts(node, names, values, role, around)
        for key in around:
            if key in node:
                form[key] = self.expression(node[key], names, set(), role or Role.WINDOW)
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

"""The canonical form of a query: pieces of its tree as they count, and what of it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assetflow.sql.naming import Form, Json, NotFollowed

__all__ = [
    "CASELESS",
    "CLOCK",
    "PLACES",
    "caseless",
    "columns_named",
    "entries_of",
    "is_order_by_all",
    "pivoted_name",
    "plain",
    "pruned",
    "refuse_more",
    "unpivoted_name",
    "whole_number",
]

#: Where in the text a piece stands.
PLACES = frozenset({"query_location", "query_location_length"})
#: Texts in which case means nothing.
CASELESS = frozenset({"function_name", "type_name", "schema", "catalog", "path"})
#: Words that look at the clock, and stand without brackets.
CLOCK = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})


def entries_of(pivot: Json) -> Form:
    """What a pivot, or an unpivot, lists; by what it turns is no part of it."""
    return plain({key: value for key, value in pivot.items() if key != "pivot_expressions"})


def pivoted_name(node: Json) -> str:
    """The value that a pivot's column stands for."""
    if not node.get("alias"):
        values = node.get("values") or []  # as DuckDB 1 says it
        if len(values) == 1:
            return str(values[0]["value"])
        what = node.get("star_expr") or {}
        literal = what.get("literal") or {}
        if what.get("class") == "CONSTANT" and "text" in literal:
            return str(literal["text"])
    raise NotFollowed("pivot over other than values is not followed")


def unpivoted_name(node: Json) -> str:
    """The column whose values an unpivot puts below others'."""
    values = node.get("values") or []
    what = node.get("star_expr") or {}
    if len(values) == 1:
        return str(values[0]["value"])
    if what.get("class") == "COLUMN_REF":
        return str(what["column_names"][-1])
    raise NotFollowed("unpivot over other than columns is not followed")


def pruned(form: Form, kept: set[int], items: Mapping[tuple[int, str], int]) -> Form:
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


def whole_number(node: Json) -> int | None:
    if node.get("class") != "CONSTANT":
        return None
    literal = node.get("literal") or {}
    if literal.get("kind") == "INTEGER":
        return int(literal["text"])
    value = (node.get("value") or {}).get("value")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def columns_named(node: Json) -> frozenset[str]:
    """The names, without a table's, of every column in a piece, in lower case."""
    if isinstance(node, list):
        return frozenset(name for each in node for name in columns_named(each))
    if not isinstance(node, dict):
        return frozenset()
    if node.get("class") == "COLUMN_REF":
        return frozenset({node["column_names"][-1].lower()})
    return frozenset(name for value in node.values() for name in columns_named(value))


def is_order_by_all(modifier: Json) -> bool:
    return any(each["expression"]["class"] == "STAR" for each in modifier.get("orders") or ())


#: What is looked at of each kind of piece that is not an expression, or means nothing. Of an expression all is kept.
_LOOKED_AT = {
    "BASE_TABLE": "alias sample schema_name table_name column_name_alias catalog_name qualified_name",
    "EMPTY": "alias",
    "EXPRESSION_LIST": "alias expected_names values",
    "JOIN": "left right condition join_type ref_type using_columns is_implicit nearest_count nearest_order_type",
    "PIVOT": "alias source aggregates unpivot_names pivots groups include_nulls",
    "RECURSIVE_CTE_NODE": "cte_map cte_name union_all left right aliases",
    "SELECT_NODE": "modifiers cte_map select_list from_table where_clause group_expressions group_sets "
    "aggregate_handling having sample qualify",
    "SET_OPERATION_NODE": "modifiers cte_map setop_type setop_all left right children",
    "STAR": "class relation_name exclude_list replace_list qualified_exclude_list rename_list",
    "SUBQUERY": "alias sample subquery column_name_alias",
    "TABLE_FUNCTION": "alias function column_name_alias with_ordinality",
}
_KEYS = {kind: frozenset(words.split()) | PLACES | {"type"} for kind, words in _LOOKED_AT.items()}


def refuse_more(node: Json) -> None:
    """Raise NotFollowed where a piece says something that is not looked at: what is overlooked would not count."""
    known = _KEYS.get(node["type"])
    if known is None:
        raise NotFollowed(f"{node['type'].lower().removesuffix('_node').replace('_', ' ')} is not followed")
    for key, value in node.items():
        if key not in known and value not in (None, False, "", [], {}):
            raise NotFollowed(f"{key.replace('_', ' ')} is not followed")


def plain(node: Json) -> Form:
    """A piece in which nothing is named, without places."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items() if key not in PLACES}
    return [plain(each) for each in node] if isinstance(node, list) else node


def caseless(value: Json) -> Form:
    if isinstance(value, str):
        return value.lower()
    return [caseless(each) for each in value] if isinstance(value, list) else value

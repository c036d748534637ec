"""A filter of the user's own as a DuckDB expression on one row: data in a task file, never code.

DuckDB runs in memory, without files, network, extensions or Python's variables, and its settings are locked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from denoise.filters.base import SEEN, first_reasons

# an expression may name the columns of a batch, and the counts of its words and characters
_WORDS = "CASE WHEN normal = '' THEN 0 ELSE length(normal) - length(replace(normal, ' ', '')) + 1 END"
_ROWS = f"(SELECT *, {_WORDS} AS words, length(text) AS characters FROM batch)"
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "1",
    "memory_limit": "1GB",
    "lock_configuration": "true",
}


@dataclass(frozen=True)
class Expression:
    """`name`, where `condition` is true of a row; null is not true."""

    name: str
    condition: str

    def reasons(self, batch: pa.Table) -> pa.Array:
        return first_reasons([(self.name, _run(self.condition, batch))])


def expression_problem(condition: str) -> str | None:
    """Why a condition cannot be used, in one line; None: it can.

    It must be one expression on one row that is true or false: no subquery, aggregate or window, and no function whose
    answer depends on more than the row (`random`, `now`): what is dropped must not depend on how rows are spread.
    """
    import duckdb

    if problem := _shape_problem(condition):
        return problem
    try:
        column = _run(condition, pa.schema(SEEN.items()).empty_table())
    except duckdb.Error as error:
        return _first_line(error)
    if column.type != pa.bool_():
        return f"must be true or false, not of type {column.type}"
    return None


def _shape_problem(condition: str) -> str | None:
    statement = f"SELECT ({condition}\n) AS x FROM batch"
    parsed = json.loads(_connection().execute("SELECT json_serialize_sql(?)", [statement]).fetchone()[0])
    if parsed["error"]:
        return parsed["error_message"]
    statements = parsed["statements"]
    node = statements[0]["node"]
    if len(statements) != 1 or node["type"] != "SELECT_NODE" or len(node["select_list"]) != 1:
        return "must be one expression"
    if node["from_table"].get("table_name") != "batch" or node["where_clause"] or node["modifiers"]:
        return "must be one expression"
    for part in _parts(node["select_list"][0]):
        if part.get("class") in ("SUBQUERY", "WINDOW", "STAR", "PARAMETER"):
            return f"must be about one row, without {part['class'].lower()}"
        if part.get("class") == "FUNCTION" and part["function_name"].lower() not in _pure_functions():
            return f"must not use {part['function_name']}(), whose answer is not that of one row alone"
    return None


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects of a parsed expression."""
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _parts(part)


@cache
def _pure_functions() -> frozenset[str]:
    """Names of functions that give the same for the same row always."""
    found = _connection().execute(
        "SELECT lower(function_name) FROM duckdb_functions() GROUP BY 1 "
        "HAVING bool_and(function_type = 'scalar' AND stability = 'CONSISTENT')"
    )
    return frozenset(name for (name,) in found.fetchall())


def _run(condition: str, batch: pa.Table) -> pa.ChunkedArray:
    """What a condition says of each row of a batch (columns of SEEN), in order."""
    cursor = _connection().cursor()
    try:
        cursor.register("batch", batch.select(list(SEEN)))
        return cursor.sql(f"SELECT ({condition}\n) AS x FROM {_ROWS}").to_arrow_table()["x"]
    finally:
        cursor.close()


@cache
def _connection() -> Any:
    import duckdb

    return duckdb.connect(":memory:", config=_SETTINGS)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

"""The row schema and the values that are made of it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from generation.records import (
    DATASET_SCHEMA,
    REQUEST_SCHEMA,
    ROW_SCHEMA,
    STATUSES,
    VERDICT_SCHEMA,
    digest,
    expected_row_ids,
    latest_verdicts,
    map_column,
    requests_table,
    row_id,
    rows_table,
    verdicts_table,
)

SCHEMAS = (ROW_SCHEMA, REQUEST_SCHEMA, VERDICT_SCHEMA, DATASET_SCHEMA)


def scalar(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_columns_are_scalars_or_lists_or_maps_of_scalars(schema: pa.Schema) -> None:
    for field in schema:
        if pa.types.is_map(field.type):
            assert field.type.key_type == pa.string() and scalar(field.type.item_type), field
        elif pa.types.is_list(field.type):
            assert scalar(field.type.value_type), field
        else:
            assert scalar(field.type), field
        assert field.nullable, field


def test_digest_is_of_canonical_json() -> None:
    # sha256 of [1,"ä",{"a":[2],"b":null}]
    assert digest(1, "ä", {"b": None, "a": (2,)}) == digest(1, "ä", {"a": [2], "b": None}) == "68ccf57a78be25c2116a"
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(1) != digest("1")


def test_expected_row_ids_are_in_plan_order() -> None:
    requests = requests_table([{"request_id": "b", "samples": 2}, {"request_id": "a", "samples": 1}])
    assert expected_row_ids(requests) == [row_id("b", 0), row_id("b", 1), row_id("a", 0)]
    assert expected_row_ids(requests_table([])) == []


def test_rows_table_fills_nulls_and_sorts_maps() -> None:
    table = rows_table([{"id": "a", "round": 0, "attributes": {"b": "2", "a": "1"}, "seed_ids": []}, {"id": "b"}])
    assert table.schema == ROW_SCHEMA
    assert table["attributes"].to_pylist() == [[("a", "1"), ("b", "2")], None]
    assert map_column(table, "attributes") == [{"a": "1", "b": "2"}, {}]
    assert table["seed_ids"].to_pylist() == [[], None]
    assert table["text"].to_pylist() == [None, None]
    assert rows_table([]).schema == ROW_SCHEMA


def test_rows_table_refuses_unknown_columns_and_wrong_types() -> None:
    with pytest.raises(ValueError, match=r"^columns not in the schema: \['lable'\]$"):
        rows_table([{"id": "a"}, {"id": "b", "lable": "x"}])
    with pytest.raises(pa.ArrowTypeError):
        rows_table([{"text": 3}])


def test_verdict_status_is_checked() -> None:
    assert verdicts_table([{"id": "a", "status": status} for status in STATUSES]).num_rows == 5
    with pytest.raises(ValueError, match=r"got 'dropped'$"):
        verdicts_table([{"id": "a", "status": "dropped"}])


def test_latest_verdicts_in_any_order() -> None:
    rows = [("a", 0, "accepted"), ("b", 1, "held"), ("a", 2, "rejected"), ("b", 0, "accepted"), ("a", 1, "held")]
    verdicts = verdicts_table([{"id": key, "revision": rev, "status": status} for key, rev, status in rows])
    for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0]):
        latest = latest_verdicts(verdicts.take(order))
        found = {row["id"]: (row["revision"], row["status"]) for row in latest.to_pylist()}
        assert found == {"a": (2, "rejected"), "b": (1, "held")}
    assert latest_verdicts(verdicts_table([])).num_rows == 0
    twice = verdicts_table([{"id": "a", "revision": 1, "status": status} for status in ("held", "accepted")])
    assert latest_verdicts(twice)["status"].to_pylist() == ["accepted"]

"""Samples as files for other tools, and back: exact round trips, formulas made harmless, errors that say where."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from cluster.audit.lots import open_lot
from cluster.audit.release import release
from cluster.dataset import materialise
from cluster.review.sheet import neutral, plain
from cluster.review.transfer import export_lot, import_file
from cluster.store import Store
from generation.errors import UserError
from tests.cluster.review.cases import make_run, messages, row

TRICKY = ["=1+1", "+49 30", "-x", "@me", "'quoted", "\ttab", 'say "hi", please', "two\nlines", "ärger"]
BREAKS = ["one\rtwo", "one\r\ntwo", "\rone", "no\0text"]
CITY = [{"name": "city", "description": "where"}, {"name": "day", "description": "when"}]


def run_of(folder: Path, rows: list[dict[str, Any]], **more: Any) -> Store:
    store = make_run(folder, rows, **more)
    store.write_json("rounds/000/metrics.json", {"round": 0})
    materialise(store, 0, "run", columns=[name for name in ("labels", "tokens", "tags") if rows[0].get(name)])
    return store


def held(store: Store, key: str) -> dict[str, Any]:
    return next(verdict for verdict in store.verdicts(0).to_pylist() if verdict["id"] == key)


def change(file: Path, **changes: dict[str, str]) -> None:
    """Write into cells: r03={"label": "refund"}."""
    with file.open(newline="") as source:
        lines = [*csv.DictReader(source)]
    with file.open("w", newline="") as sink:
        writer = csv.DictWriter(sink, [*lines[0]])
        writer.writeheader()
        writer.writerows({**line, **changes.get(line["id"], {})} for line in lines)


@pytest.mark.parametrize("cell", ["", "a", "a=b", *TRICKY, *BREAKS, "''", "'=x", "＝1"])
def test_cells_come_back_as_they_were(cell: str) -> None:
    assert plain(neutral(cell)) == cell
    assert not neutral(cell).startswith(("=", "+", "-", "@", "\t", "＝"))


def test_a_sheet_that_nobody_wrote_into_says_nothing(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", [row(f"r{number}", text) for number, text in enumerate(TRICKY + BREAKS)])
    assert export_lot(store, "csv", tmp_path / "a.csv") == [tmp_path / "a.csv"]
    with (tmp_path / "a.csv").open(newline="") as file:
        cells = {line["id"]: line["text"] for line in csv.DictReader(file)}
    assert (cells["r0"], cells["r4"], cells["r6"]) == ("'=1+1", "''quoted", 'say "hi", please')
    assert import_file(store, tmp_path / "a.csv", "anna") == {}
    assert len(store.parts(0, "verdicts")) == 1


@pytest.mark.parametrize("text", ["to York\r\non Monday", "to York\ron Monday ", "to York\0 on Monday"])
def test_a_sheet_of_spans_that_nobody_wrote_into_says_nothing(tmp_path: Path, text: str) -> None:
    tokens = text.split()
    made = row("t0", text, "city", tokens=tokens, tags=["O", "B-city", "O", "O"])
    store = run_of(tmp_path / "run", [made], kind="tags", labels=CITY)
    export_lot(store, "csv", tmp_path / "a.csv")
    assert import_file(store, tmp_path / "a.csv", "anna") == {}


def test_pairs_in_a_sheet_that_nobody_wrote_into_say_nothing(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", [row("p0", "a\rb ||| c", text_a="a\rb", text_b="c")], kind="pair")
    export_lot(store, "csv", tmp_path / "a.csv")
    assert import_file(store, tmp_path / "a.csv", "anna") == {}


def test_a_sheet_with_answers(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", messages(6))
    export_lot(store, "csv", tmp_path / "a.csv")
    change(
        tmp_path / "a.csv",
        r00={"verdict": "accept"},
        r01={"verdict": " Discard "},
        r02={"label": "refund", "auditor": "ben"},
        r03={"text": "'=other words"},
    )
    told = {"confirmed": 1, "corrected": 1, "discarded": 1, "edited": 1}
    assert import_file(store, tmp_path / "a.csv", "anna") == told
    reasons = [held(store, f"r0{number}")["reason"] for number in range(6)]
    assert reasons == ["confirmed", "discarded", "corrected", "edited", None, None]
    assert [held(store, f"r0{number}")["auditor"] for number in range(3)] == ["anna", "anna", "ben"]
    assert store.people(0)["text"].to_pylist() == ["=other words"]
    assert import_file(store, tmp_path / "a.csv", "anna") == {"known already": 4}
    assert len(store.parts(0, "verdicts")) == 5


def test_a_lot_that_has_ended_takes_no_new_answers(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", messages(2))
    export_lot(store, "csv", tmp_path / "a.csv")
    change(tmp_path / "a.csv", r00={"verdict": "accept"}, r01={"verdict": "accept"})
    assert import_file(store, tmp_path / "a.csv", "anna") == {"confirmed": 2}
    assert release(store)[1]["state"] == "passed"
    assert import_file(store, tmp_path / "a.csv", "anna") == {"known already": 2}
    change(tmp_path / "a.csv", r01={"verdict": "discard"})
    with pytest.raises(UserError) as error:
        import_file(store, tmp_path / "a.csv", "anna")
    said = f"{tmp_path}/a.csv: has new answers, but lot 0 of {store.root} has ended; none is saved"
    assert str(error.value) == said
    assert len(store.parts(0, "verdicts")) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "nobody"}, "a.csv line 2: id must be that of a row of the lot; got 'nobody'"),
        ({"label": "lte"}, "a.csv line 2: label: unknown label 'lte'; did you mean 'late'?"),
        ({"label": " "}, "a.csv line 2: line: label must not be blank"),
        ({"verdict": "yes"}, "a.csv line 2: verdict must be accept, discard or empty; got 'yes'"),
        ({"text": ""}, "a.csv line 2: text: must not be blank"),
        ({"verdict": "accept", "auditor": "<b>"}, "a.csv line 2: auditor: name: must be"),
    ],
)
def test_a_line_that_cannot_be_is_named_and_nothing_is_committed(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    store = run_of(tmp_path / "run", messages(2))
    export_lot(store, "csv", tmp_path / "a.csv")
    first = (tmp_path / "a.csv").read_text().splitlines()[1].partition(",")[0]
    change(tmp_path / "a.csv", **{"r00": {"verdict": "accept"}, "r01": {"verdict": "accept"}} | {first: changes})
    with pytest.raises(UserError) as error:
        import_file(store, tmp_path / "a.csv", "anna")
    assert message in str(error.value)
    assert len(store.parts(0, "verdicts")) == 1


def test_label_studio_and_back(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", messages(3))
    files = export_lot(store, "label-studio", tmp_path / "a.json")
    assert files == [tmp_path / "a.json", tmp_path / "a.xml"]
    assert '<Choices name="label" toName="text" choice="single">' in files[1].read_text()
    assert '<Choice value="late"/>' in files[1].read_text()
    tasks = {task["data"]["id"]: task for task in json.loads(files[0].read_text())}
    assert tasks["r00"]["predictions"][0]["result"][0]["value"] == {"choices": ["late"]}
    assert import_file(store, files[0], "anna") == {}
    said = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["refund"]}}
    tasks["r00"]["annotations"] = [{"result": [said], "completed_by": 7, "lead_time": 4.25}]
    tasks["r01"]["annotations"] = [{"result": tasks["r01"]["predictions"][0]["result"], "completed_by": {"id": 8}}]
    tasks["r02"]["annotations"] = [{"result": [], "was_cancelled": True}]
    files[0].write_text(json.dumps([*tasks.values()]))
    assert import_file(store, files[0], "anna") == {"confirmed": 1, "corrected": 1}
    found = held(store, "r00")
    assert (found["label"], found["auditor"], dict(found["scores"])["seconds"]) == ("refund", "7", 4.2)
    export_lot(store, "label-studio", tmp_path / "b.json")
    again = {task["data"]["id"]: task for task in json.loads((tmp_path / "b.json").read_text())}
    assert again["r00"]["annotations"] == [{"result": [said], "completed_by": "7"}]
    assert import_file(store, tmp_path / "b.json", "anna") == {"known already": 2}


def test_label_studio_spans(tmp_path: Path) -> None:
    tokens, tags = ["to", "New", "York", "on", "Monday"], ["O", "B-city", "I-city", "O", "O"]
    rows = [row(f"t{number}", " ".join(tokens), "city", tokens=tokens, tags=tags) for number in range(2)]
    store = run_of(tmp_path / "run", rows, kind="tags", labels=CITY)
    export_lot(store, "label-studio", tmp_path / "a.json")
    tasks = {task["data"]["id"]: task for task in json.loads((tmp_path / "a.json").read_text())}
    spans = tasks["t0"]["predictions"][0]["result"]
    assert spans[0]["value"] == {"start": 3, "end": 11, "text": "New York", "labels": ["city"]}
    tasks["t0"]["annotations"] = [{"result": spans}]
    day = {"value": {"start": 15, "end": 21, "text": "Monday", "labels": ["day"]}}
    tasks["t1"]["annotations"] = [{"result": [*spans, day]}]
    (tmp_path / "a.json").write_text(json.dumps([*tasks.values()]))
    assert import_file(store, tmp_path / "a.json", "anna") == {"confirmed": 1, "edited": 1}
    assert store.people(0)["tags"].to_pylist() == [["O", "B-city", "I-city", "O", "B-day"]]
    day["value"]["text"] = "Sunday"
    (tmp_path / "a.json").write_text(json.dumps([*tasks.values()]))
    with pytest.raises(UserError, match=r"a.json item 2: annotations 1: span \[15, 21\] of 'day' must cut 'Sunday'"):
        import_file(store, tmp_path / "a.json", "anna")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ([1], "item 1: must be an object"),
        ([{"data": {"id": 5}}], "item 1: id must be that of a row"),
        ([{"data": {"id": "r00"}, "annotations": 5}], "item 1: annotations must be a list of objects"),
        ([{"data": {"id": "r00"}, "annotations": [{"result": [{"value": 3}]}]}], "annotations 1: result 1: value must"),
        ([{"data": {"id": "r00"}, "annotations": [{"result": []}]}], "annotations 1: label: choose one at least"),
    ],
)
def test_a_task_that_cannot_be_is_named(tmp_path: Path, task: Any, message: str) -> None:
    store = run_of(tmp_path / "run", messages(1))
    open_lot(store)
    (tmp_path / "a.json").write_text(json.dumps(task))
    with pytest.raises(UserError, match=message):
        import_file(store, tmp_path / "a.json", "anna")


def test_sets_of_labels_in_a_sheet(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", [row("m0", "x", "late+refund", labels=["late", "refund"])], kind="multi_label")
    export_lot(store, "csv", tmp_path / "a.csv")
    change(tmp_path / "a.csv", m0={"labels": "refund+broken"})
    assert import_file(store, tmp_path / "a.csv", "anna") == {"corrected": 1}
    assert held(store, "m0")["label"] == "broken+refund"


def test_what_export_and_import_refuse(tmp_path: Path) -> None:
    store = run_of(tmp_path / "run", messages(1))
    with pytest.raises(UserError, match="has no lot yet"):
        import_file(store, tmp_path / "a.csv", "anna")
    with pytest.raises(UserError, match="--format: must be one of label-studio, csv; got 'xml'"):
        export_lot(store, "xml", tmp_path / "a.xml")
    with pytest.raises(UserError, match=r"a.json: must end in .csv"):
        export_lot(store, "csv", tmp_path / "a.json")
    export_lot(store, "csv", tmp_path / "a.csv")
    with pytest.raises(UserError, match="exists already"):
        export_lot(store, "csv", tmp_path / "a.csv")

"""What doubts about spans are found with."""

from __future__ import annotations

from pathlib import Path

from cluster.store import Store
from cluster.tagged import spans_of
from generation.records import row_id, rows_table
from tests.cluster.cases import RUN_ID, add_verdicts, begin_round, make_job, verdict

SLOTS = [{"name": "city", "description": "a city"}, {"name": "time", "description": "a time"}]
NOTES = [{"text": "off to [city: Rome] [time: now]"}]


def test_seeds_and_kept_rows_tell(tmp_path: Path, store: Store) -> None:
    job = make_job(tmp_path, rows=NOTES, kind="tags", labels=SLOTS, generation={"exemplars": 1, "exemplar_sets": 1})
    begin_round(store, {"city": 2, "time": 2})
    rows = [
        {"id": row_id(name, 0), "request_id": name, "round": 0, "wave": 0, "text": f"in {name}", "label": "city"}
        | {"intended_label": "city", "seed_ids": [], "attributes": {}, "sampling": {}, "prompt_tokens": 0}
        | {"output_tokens": 0, "tokens": ["in", name], "tags": ["O", "B-city"]}
        for name in ("Oslo", "Bonn")
    ]
    store.commit(0, "generated", "e0", rows_table(rows), RUN_ID)
    add_verdicts(store, [verdict("Oslo", label="city"), verdict("Bonn", "rejected", "too_short")], "w000")
    spans = spans_of(job, store)
    assert spans is not None
    assert spans.slots == ("city", "time")
    assert spans.seeds == ([("off", "to", "Rome", "now")], [("O", "O", "B-city", "B-time")])
    assert spans.earlier == ([["in", "Oslo"]], [["O", "B-city"]])
    assert spans_of(make_job(tmp_path), store) is None

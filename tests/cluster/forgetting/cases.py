"""A run made by hand in which one row stands nearly everywhere, and what reads all of it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.audit.lots import open_lot
from cluster.dataset import materialise
from cluster.explanations import store_of as explanations_of
from cluster.journal import Journal
from cluster.known import known_rows
from cluster.mapping import write_map
from cluster.report_page import write_report
from cluster.store import Store
from generation.records import requests_table, rows_table, verdicts_table
from generation.task import Example
from tests.cluster.audit.cases import edit
from tests.cluster.cases import LABELS, RUN_ID, add_verdicts, begin_round, finish_round

SECRET = 'Call Ann "the baker" Müller at 555-0199 about the pos cake, please.'
SECRETS = (SECRET, "".join(["555-", "0199"]), "Müller")
COLUMNS = {"wave": 0, "source": "generated", "method": "prompted", "label": "pos", "intended_label": "pos"}


def row(id: str, text: str, round_: int = 0, **more: object) -> dict[str, object]:
    made = COLUMNS | {"id": id, "request_id": f"q-{id}", "round": round_, "text": text, "seed_ids": ["s1"]}
    return made | {"prompt_tokens": 30, "output_tokens": 5, "attributes": {}, "sampling": {}} | more


def request(id: str, round_: int = 0, prompt: str = "1. fine\n2.", **more: object) -> dict[str, object]:
    asked = {"request_id": f"q-{id}", "round": round_, "wave": 0, "label": "pos", "method": "prompted", "samples": 1}
    return asked | {"form": "completion", "prompt": prompt, "seed_ids": ["s1"], "text": "", "most_tokens": 9} | more


def accepted(id: str, **more: object) -> dict[str, object]:
    scores = {"judge_confidence": 0.9}
    verdict = {"id": id, "revision": 0, "stage": "quota", "label": "pos", "status": "accepted", "weight": 1.0}
    return verdict | {"scores": scores} | more


def make_run(store: Store) -> Store:
    """Two rounds. `a` is the row to forget: `copy` has its text, `late` is a late part's, `child` had it in its prompt,
    `open` has it there and no rows yet, `made` is a person's of it, `near` fell in its favour; `b` to `y` are others.
    """
    run = {"run_id": RUN_ID, "name": "mood", "description": "Remarks.", "labels": LABELS, "kind": "label"}
    store.write_json("run.json", run | {"config": {"labels": LABELS}, "created": "2026-01-01"})
    store.write_json("seeds.json", [{"id": "s1", "text": "what a fine day", "label": "pos", "line": 1}])
    others = [row(letter, f"{letter * 3} is as {letter * 5} does") for letter in "bcdefgh"]
    begin_round(store, {"pos": 9})
    store.commit(
        0, "requests", "w000", requests_table([request(str(each["id"])) for each in [row("a", ""), *others]]), RUN_ID
    )
    store.commit(0, "generated", "e0", rows_table([row("a", SECRET), *others]), RUN_ID)
    store.commit(0, "generated", "e1", rows_table([row("a", f"Müller again: 555-0199 {SECRET[:40]}")]), RUN_ID)
    store.commit(
        0, "generated", "e2", rows_table([row("near", "call the baker"), row("copy", f" {SECRET.upper()}")]), RUN_ID
    )
    fell = accepted("near", status="rejected", reason="near_duplicate", survivor_id="a", weight=0.0)
    twin = accepted("copy", status="rejected", reason="exact_duplicate", survivor_id="a", weight=0.0)
    add_verdicts(store, [accepted(str(each["id"])) for each in [row("a", ""), *others]] + [fell, twin])
    store.write_json("rounds/000/bias.json", {"associations": [], "note": f"as in {SECRET}"})
    finish_round(store)
    worst = [{"text": "x", "gold": "pos", "nearest": [{"id": "a", "text": SECRET, "label": "pos", "similarity": 0.5}]}]
    metrics = {"round": 0, "stop_reason": "quota_met", "dev": None, "test": None, "seen": {"worst": worst}}
    store.write_json("rounds/000/metrics.json", metrics)
    known_rows(store, RUN_ID)
    materialise(store, 0, RUN_ID)
    begin_round(store, {"pos": 9}, 1)
    shown = f"1. {' '.join(SECRET.split())}\n2."
    alias = Example(SECRET, "pos").id
    asked = [
        request("child", 1, shown, seed_ids=[alias]),
        request("open", 1, shown, seed_ids=["a"]),
        request("free", 1),
    ]
    store.commit(1, "requests", "w000", requests_table(asked), RUN_ID)
    store.commit(1, "generated", "e0", rows_table([row("child", "Call the cobbler", 1, seed_ids=[alias])]), RUN_ID)
    add_verdicts(store, [accepted("child")], round_=1)
    store.write_json("rounds/001/checked.json", ["a"])
    materialise(store, 1, RUN_ID)
    for place in ("rounds/000/student", "rounds/001/student", "training/w0"):
        (Path(store.root) / place).mkdir(parents=True)
        (Path(store.root) / place / "weights.bin").write_bytes(b"\0\1")
    (Path(store.root) / "training" / "w0" / "rows.json").write_text(SECRET)
    (Path(store.root) / "rounds/000/generated/part-e9.parquet.12ab34cd.tmp").write_text(SECRET)
    (Path(store.root) / "driver.log").write_text(f"fine\nbad row: {SECRET}\nfine\n")
    Journal(store.root, print).note("line", text=f"warning: {SECRET}")
    _explain(store)
    write_map(store, 0, [], lambda texts: np.eye(len(texts), 8), has_one_label=True)
    write_report(store)
    return store


def person_rewrites(store: Store) -> str:
    """A person writes `a` anew, without the secret."""
    return edit(store, "a", "Call the baker about the cake", "pos")


def open_a_lot(store: Store, sampled: str = "a") -> None:
    """A lot whose sample has the row."""
    lot = open_lot(store)
    if sampled in {each.id for each in lot.sample}:
        return
    path = f"{store.root}/{lot.folder}/sample.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[0]["id"] = sampled
    pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(path)), path)


def quoting(store: Store, *secrets: str) -> list[str]:
    """Names of files that hold the secrets, in their bytes or, of Parquet, in any column or statistic."""
    found = []
    for path in sorted(Path(store.root).rglob("*")):
        if path.is_file() and any(secret in _content(path) for secret in _forms(secrets or SECRETS)):
            found.append(str(path.relative_to(store.root)))
    return found


def _forms(secrets: Iterable[str]) -> set[str]:
    return {form for each in secrets for form in (each, json.dumps(each)[1:-1], html.escape(each), each.upper())}


def _content(path: Path) -> str:
    content = path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".parquet":
        content += json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False)
    return content


def _explain(store: Store) -> None:
    nested = explanations_of(store)
    begin_round(nested, {"pos": 1})
    asked = [
        request("ea", prompt=f"Why is {SECRET} pos?", text=SECRET, seed_ids=["a"], method="explaining"),
        request("eo", prompt=f"Why is {SECRET} pos?", text=SECRET, seed_ids=["a"], method="explaining"),
        request("eb", prompt="Why is bbb pos?", text="bbb", seed_ids=["b"], method="explaining"),
    ]
    nested.commit(0, "requests", "w000", requests_table(asked), RUN_ID)
    told = [row("ea", "Since Müller bakes", seed_ids=["a"]), row("eb", "Since bees do", seed_ids=["b"])]
    nested.commit(0, "generated", "e0", rows_table(told), RUN_ID)
    vote = {"id": "ea", "stage": "vote", "status": "accepted", "auditor": "ann", "revision": 0}
    nested.commit(0, "verdicts", "v0", verdicts_table([vote]), RUN_ID)

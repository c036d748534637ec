"""A task folder with a model that nobody loads, and a run directory whose rows are written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

from cluster.config import TaskConfig
from cluster.job import Job, prepare
from cluster.store import Store
from generation.records import requests_table, row_id, rows_table, verdicts_table
from tests.generation.cases import make_model

LABELS = [{"name": "pos", "description": "is glad"}, {"name": "neg", "description": "is not"}]
SEEDS = [
    {"text": "what a good day", "label": "pos"},
    {"text": "I like it", "label": "pos"},
    {"text": "so bad", "label": "neg"},
    {"text": "I do not like it", "label": "neg"},
]
RUN_ID = "run"


def write_task(folder: Path, rows: Iterable[dict[str, Any]] = SEEDS, **changes: Any) -> Path:
    """task.yaml with `rows` as seeds and a model beside it; a change to None leaves a setting out. Returns the file."""
    if not (folder / "model").is_dir():
        make_model(folder / "model")
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task: dict[str, Any] = {"name": "mood", "description": "Short remarks.", "labels": LABELS, "seeds": "seeds.jsonl"}
    task |= {"model": "model", "student": {"model": "model"}, **changes}
    path = folder / "task.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in task.items() if value is not None}))
    return path


def in_a_process(work: Callable[[], None]) -> None:
    """Run a module's function in a fresh process, where no other test's Ray is; what it raises is raised here."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(work).result(timeout=600)


def make_job(folder: Path, overrides: list[str] | None = None, **changes: Any) -> Job:
    """The prepared job of `write_task`."""
    return prepare(write_task(folder, **changes), overrides)


def config(**changes: Any) -> TaskConfig:
    """A task of the labels "pos" and "neg"."""
    return TaskConfig.model_validate(
        {"name": "mood", "description": "d", "labels": LABELS, "seeds": "s.jsonl", **changes}
    )


def add_requests(store: Store, names: Iterable[str], round_: int = 0, wave: int = 0, samples: int = 1) -> None:
    """A committed plan: requests named like `pos-1`, of the label before the dash, of at most 10 tokens each."""
    rows = [
        {"request_id": name, "label": name.split("-")[0], "round": round_, "wave": wave, "samples": samples}
        | {"most_tokens": 10, "prompt_hash": "pr0mpt", "adapter": "", "seed_ids": [], "attributes": {}, "sampling": {}}
        for name in names
    ]
    store.commit(round_, "requests", f"w{wave:03d}", requests_table(rows), RUN_ID)


def add_rows(
    store: Store, names: Iterable[str], part: str = "e0", round_: int = 0, wave: int = 0, samples: int = 1
) -> None:
    """A committed part with the rows of some requests: 3 prompt tokens a request and 2 output tokens a row."""
    rows = [
        {
            "id": row_id(name, sample),
            "request_id": name,
            "round": round_,
            "wave": wave,
            "source": "generated",
            "text": f"{part} {name} {sample}",
            "label": name.split("-")[0],
            "intended_label": name.split("-")[0],
            "seed_ids": ["s1", "s2"],
            "attributes": {},
            "sampling": {"min_p": 0.05, "seed": 7.0},
            "finish_reason": "stop",
            "prompt_tokens": 3,
            "output_tokens": 2,
            "mean_logprob": -0.5,
        }
        for name in names
        for sample in range(samples)
    ]
    store.commit(round_, "generated", part, rows_table(rows), RUN_ID)


def verdict(name: str, status: str = "accepted", sample: int = 0, **changes: Any) -> dict[str, Any]:
    """The first verdict on a row of `add_rows`; `label` defaults to the intended one."""
    label = name.split("-")[0]
    return {"id": row_id(name, sample), "revision": 1, "label": label, "status": status, "weight": 1.0} | changes


def add_verdicts(store: Store, verdicts: Iterable[dict[str, Any]], part: str = "w000", round_: int = 0) -> None:
    """A committed part of verdicts."""
    store.commit(round_, "verdicts", part, verdicts_table(verdicts), RUN_ID)


def begin_round(store: Store, targets: dict[str, int], round_: int = 0, **changes: Any) -> None:
    """round.json as `current_round` writes it."""
    record = {"round": round_, "targets": targets, "wanted": max(targets.values()), "token_budget": None}
    store.write_json(f"rounds/{round_:03d}/round.json", record | changes)


def finish_round(store: Store, round_: int = 0, stop_reason: str = "quota_met") -> None:
    """metrics.json, with which a round counts as finished."""
    store.write_json(f"rounds/{round_:03d}/metrics.json", {"round": round_, "stop_reason": stop_reason})

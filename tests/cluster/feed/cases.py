"""A run with a student that nobody had to make, and a feed of it without Ray and LM."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cluster.dataset import materialise
from cluster.feed.feeding import Feed
from cluster.feed.opening import student_round
from cluster.feed.pool import Wish, pool_digest
from cluster.feed.record import feed_to_do
from cluster.feed.scoring import Scorer, Scoring
from cluster.job import Job, prepare
from cluster.store import Store
from generation.kinds.pair import join, text_columns
from generation.models import EMBEDDED_ENCODER, resolve_model
from tests.cluster.cases import add_rows, add_verdicts, begin_round, finish_round, verdict, write_task
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows
from training.job import StudentJob
from training.settings import StudentSettings
from training.trainer import StudentTrainer

POOL = [text for text, _ in UNSEEN]
TRUE = dict(UNSEEN)
ANSWER = "let me see"
ABROAD = ["the train to the coast leaves at nine", "my landlord wants the rent early", "sell all my shares of steel"]


def make_task(folder: Path, kind: str = "label", **changes: Any) -> Path:
    """A task of the three topics, with test rows of its own; nobody loads its LM."""
    labels = [{"name": name, "description": f"a request about {name}"} for name in LABELS]
    test = as_item("does it snow on monday", kind) | {"label": "weather"}
    (folder / "test.jsonl").write_text(json.dumps(test) + "\n")
    seeds = [as_item(text, kind) | {"label": label} for text, label in SEEDS]
    more = {"labels": labels, "name": "topics", "test": "test.jsonl", "student": {"model": EMBEDDED_ENCODER}}
    return write_task(folder, seeds, kind=kind, **more | changes)


def as_item(text: str, kind: str) -> dict[str, str]:
    """A text as a row of a file; a pair has it and an answer."""
    return {"text_a": text, "text_b": ANSWER} if kind == "pair" else {"text": text}


def make_student(folder: Path, kind: str = "label") -> None:
    """Two steps on the seeds."""
    settings, seeds = StudentSettings(steps=2, batch_size=6), SEEDS
    if kind == "pair":
        seeds = tuple((join(text, ANSWER), label) for text, label in SEEDS)
    StudentTrainer(StudentJob(LABELS, rows(seeds), resolve_model(EMBEDDED_ENCODER), folder, settings, kind=kind)).run()


def make_run(folder: Path, trained: Path, **changes: Any) -> tuple[Job, Store]:
    """A finished round with a kept row of each label, its dataset, and a copy of the student."""
    import shutil

    job, store = prepare(make_task(folder, **changes)), Store(folder / "run")
    store.write_json("run.json", job.run_json())
    store.write_json("seeds.json", [])
    begin_round(store, dict.fromkeys(LABELS, 1))
    names = [f"{label}-0" for label in LABELS]
    add_rows(store, names)
    add_verdicts(store, [verdict(name) for name in names])
    shutil.copytree(trained, folder / "run" / "rounds" / "000" / "student")
    materialise(store, 0, job.run_id)
    finish_round(store)
    return job, store


def score_here(asked: Scoring, workers: int) -> list[str]:
    """`score_pool` in this process."""
    Path(asked.target).mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(len(asked.pool.pieces)) if not (Path(asked.target) / asked.part(n)).is_file()]
    scorer = Scorer(asked, 1) if missing else None
    for number in missing:
        assert scorer is not None and scorer({"number": number})["fault"] == ""
    return [str(Path(asked.target) / asked.part(number)) for number in range(len(asked.pool.pieces))]


def knowing(right: dict[str, str]) -> Callable[[object], Any]:
    """An LM that knows the labels of some texts, and is as sure of others as of any."""

    def ask(texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        table = np.full((2, len(texts), len(LABELS)), -2.0)
        for row, text in enumerate(texts):
            if text in right:
                table[:, row, LABELS.index(right[text])] = -0.1
        return table

    return lambda spec: ask


def feed_here(
    job: Job, store: Store, file: Path, right: dict[str, str] | None = None, again: bool = False, **more: Any
) -> dict[str, Any]:
    """A whole feed in this process; the LM knows `right`, by default all seeds and the pool's labels."""
    wish = Wish((str(file),), again=again)
    digest = pool_digest(wish.files, text_columns(job.kind.name, wish.text))
    number, _ = feed_to_do(store, digest, again)
    ask = knowing(dict(SEEDS) | TRUE if right is None else right)
    made = {"score": score_here, "ask": ask} | more
    return Feed(job, store, wish, number, digest, student_round(store), lambda line: None, **made).run()

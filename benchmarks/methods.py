"""Which way of asking holds the label better: plain completion or the chat template, this method or that?

    python benchmarks/methods.py --rows 40 --json methods.json
    python benchmarks/methods.py --method prompted --method wanli --method paraphrase --method eda --method mix

One engine answers all, turn by turn, with the demo's task. The judge is the contrastive model tuned on all seeds: it
knows the texts that `eda` and `mix` are made of. Methods that train the LM or need a pool are not compared here.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer

from cluster.job import Job, prepare
from cluster.lease import Lease
from cluster.material import material_of
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engine
from cluster.store import Store
from denoise.diversity import distinct
from denoise.filters.table import build_filters, filter_reasons
from generation.forms import FORMS
from generation.plan import plan_wave

TASK = Path(__file__).parents[1] / "examples" / "support_tickets" / "task.yaml"
ROUNDS = 2
COMPARED = 90


def main(
    rows: Annotated[int, typer.Option(min=4, help="rows per label and method")] = 40,
    method: Annotated[list[str] | None, typer.Option(help="method to compare; default prompted")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    task: Annotated[Path, typer.Option()] = TASK,
) -> None:
    """Ask in all ways, judge, print a Markdown table."""
    jobs = dict(ways(task, method or ["prompted"]))
    with tempfile.TemporaryDirectory() as folder, ray_session(next(iter(jobs.values())).config.runtime):
        figures = measure(jobs, Path(folder), rows)
    print("| method | usable | label right | unique | distinct-2 | tokens of a prompt | output tokens/s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, each in figures.items():
        shares = " | ".join(f"{100 * each[share]:.1f} %" for share in ("usable", "label_right", "unique"))
        counts = f"{each['distinct_2']:.2f} | {each['prompt_tokens']:.0f} | {each['tokens_per_second']:.0f}"
        print(f"| {name} | {shares} | {counts} |")
    if json_file:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")


def ways(task: Path, methods: list[str]) -> Iterator[tuple[str, Job]]:
    """A job for each method in each form, by name; one that asks no LM has no form."""
    for method, form in itertools.product(methods, FORMS):
        job = prepare(task, [f"generation.method={method}", f"generation.form={form}"])
        if not job.method.is_literal:
            yield f"{method}, {form}", job
        elif form == next(iter(FORMS)):
            yield method, job


def measure(jobs: dict[str, Job], folder: Path, rows: int) -> dict[str, dict[str, Any]]:
    """Per way: share of rows that pass the filters; of these, the share the judge agrees with; unique texts."""
    from training.contrastive import Judge
    from training.loop import fit_judge

    job, store = next(iter(jobs.values())), Store(folder)
    seeds = [(seed.text, str(seed.label)) for seed in job.seeds]
    judge = Judge.load(fit_judge(seeds, job.task.label_names, job.config.student, folder / "judge", job.encoder_folder))
    seconds: dict[str, float] = defaultdict(float)
    with Lease(folder) as lease:
        spec = plan_engine(job.config, job.model_folder, job.model_hash, 0)
        pool = EnginePool(spec, 1, store, job.run_id, lease.epoch)
        pool.start()
        for turn in range(ROUNDS):
            for place, (method, each) in enumerate(jobs.items()):
                began = time.monotonic()
                generate(pool, store, each, turn, rows // ROUNDS, turn * len(jobs) + place)
                seconds[method] += time.monotonic() - began
        pool.stop()
    generated = {
        form: pa.concat_tables(store.generated(turn * len(jobs) + place) for turn in range(ROUNDS))
        for place, form in enumerate(jobs)
    }
    return {form: summary(generated[form], each, judge, seconds[form]) for form, each in jobs.items()}


def generate(pool: EnginePool, store: Store, job: Job, turn: int, rows: int, round_: int) -> None:
    """`rows` rows per label by the job's method, as a round of their own."""
    counts = {name: max(1, rows // job.method.samples(job.generation)) for name in job.task.label_names}
    store.write_json(f"rounds/{round_:03d}/round.json", {})
    plan = plan_wave(material_of(job, store, round_), job.method, turn, counts)
    store.commit(round_, "requests", "w000", plan, job.run_id)
    for _ in pool.generate(store.request_refs(round_)):
        pass


def summary(rows: pa.Table, job: Job, judge: Any, seconds: float) -> dict[str, Any]:
    """Figures of one way's rows; distinct-2 is of the first usable rows of the first turn, as many for all."""
    reasons = filter_reasons(rows, build_filters(job.task, job.config.denoise, job.generation.banned)).to_pylist()
    kept = rows.filter(pa.array([reason is None for reason in reasons]))
    best = np.array(judge.labels)[judge.probabilities(kept["text"].to_pylist()).argmax(axis=1)]
    return {
        "rows": rows.num_rows,
        "usable": kept.num_rows / rows.num_rows,
        "label_right": float(np.mean(best == np.array(kept["intended_label"].to_pylist()))),
        "unique": len(set(kept["text"].to_pylist())) / kept.num_rows,
        "distinct_2": distinct(kept["text"].to_pylist()[:COMPARED], 2),
        "prompt_tokens": float(np.mean(rows["prompt_tokens"].to_pylist())),
        "tokens_per_second": sum(rows["output_tokens"].to_pylist()) / seconds,
    }


if __name__ == "__main__":
    typer.run(main)

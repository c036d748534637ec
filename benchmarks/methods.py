"""Which way of asking holds the label better: plain completion or the chat template?

    python benchmarks/methods.py --rows 40 --json methods.json

One engine answers both, turn by turn, with the demo's task. The judge is the contrastive model tuned on all seeds.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer

from cluster.job import Job, prepare
from cluster.lease import Lease
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engine
from cluster.store import Store
from denoise.filters.table import build_filters, filter_reasons
from generation.forms import FORMS
from generation.material import Material
from generation.plan import plan_wave

TASK = Path(__file__).parents[1] / "examples" / "support_tickets" / "task.yaml"
ROUNDS = 2


def main(
    rows: Annotated[int, typer.Option(min=4, help="rows per label and method")] = 40,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    task: Annotated[Path, typer.Option()] = TASK,
) -> None:
    """Ask both ways, judge, print a Markdown table."""
    jobs = {form: prepare(task, [f"generation.form={form}"]) for form in FORMS}
    with tempfile.TemporaryDirectory() as folder, ray_session(jobs["completion"].config.runtime):
        figures = measure(jobs, Path(folder), rows)
    print("| method | usable | label right | unique | output tokens/s |\n| --- | ---: | ---: | ---: | ---: |")
    for method, each in figures.items():
        shares = " | ".join(f"{100 * each[name]:.1f} %" for name in ("usable", "label_right", "unique"))
        print(f"| {method} | {shares} | {each['tokens_per_second']:.0f} |")
    if json_file:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")


def measure(jobs: dict[str, Job], folder: Path, rows: int) -> dict[str, dict[str, Any]]:
    """Per method: share of rows that pass the filters; of these, the share the judge agrees with; unique texts."""
    from training.contrastive import Judge
    from training.loop import fit_judge

    job, store = jobs["completion"], Store(folder)
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
    settings = job.config.generation
    counts = {name: max(1, rows // settings.samples) for name in job.task.label_names}
    store.write_json(f"rounds/{round_:03d}/round.json", {})
    plan = plan_wave(Material(job.task, settings, job.run_id, round_), job.method, turn, counts)
    store.commit(round_, "requests", "w000", plan, job.run_id)
    for _ in pool.generate(store.request_refs(round_)):
        pass


def summary(rows: pa.Table, job: Job, judge: Any, seconds: float) -> dict[str, Any]:
    """Shares of one form's rows."""
    reasons = filter_reasons(rows, build_filters(job.task, job.config.denoise, job.generation.banned)).to_pylist()
    kept = rows.filter(pa.array([reason is None for reason in reasons]))
    best = np.array(judge.labels)[judge.probabilities(kept["text"].to_pylist()).argmax(axis=1)]
    return {
        "rows": rows.num_rows,
        "usable": kept.num_rows / rows.num_rows,
        "label_right": float(np.mean(best == np.array(kept["intended_label"].to_pylist()))),
        "unique": len(set(kept["text"].to_pylist())) / kept.num_rows,
        "tokens_per_second": sum(rows["output_tokens"].to_pylist()) / seconds,
    }


if __name__ == "__main__":
    typer.run(main)

"""The product's own rows of several rounds, each aimed at what the one before left."""

from __future__ import annotations

from cluster.dataset import training_rows
from cluster.evaluation import rows_of
from cluster.store import Store
from generation.records import digest
from training.job import TrainingRow
from yardstick.cell import Cell
from yardstick.product import run_task, write_task

ROUNDS = 3
VERSION = 1  # raise it when runs begin anew
_KEPT = 0.6  # of generated rows: so many are wanted in all as other arms keep of theirs
_SETTINGS = ("generation", "adapt", "denoise", "student")


def rows_in_rounds(cell: Cell) -> tuple[list[TrainingRow], int, float]:
    """Rows that a run keeps, its tokens, and the seconds of generating; the run is kept, and taken up."""
    split, config = cell.split, cell.config.model_dump(mode="json", include=set(_SETTINGS))
    key = digest(VERSION, cell.split_key, cell.corpora.key(cell.spec), config)[:10]
    name = f"{split.real.name}-k{split.k}-{split.number}-{key}"
    folder = cell.corpora.folder / "runs" / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    quota = max(1, round(_KEPT * cell.rows / ROUNDS))
    run = run_task(
        write_task(folder, split.real, split.seeds, quota=quota, rounds=ROUNDS, **config), folder / "run", ()
    )
    store = Store(run)
    metrics = [store.read_json(f"rounds/{number:03d}/metrics.json") for number in store.rounds()]
    tokens = sum(sum(each["tokens"].values()) for each in metrics)
    seconds = sum(each["seconds"].get("generate", 0.0) for each in metrics)
    return rows_of(training_rows(store, store.rounds())), tokens, seconds

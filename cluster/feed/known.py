"""What a run knows when a feed begins: rows with real texts, rows that it made, and texts that it may not take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from cluster.checked import real_rows
from cluster.feed.lens import Lens, hashes_of
from cluster.feed.picks import PICKS
from cluster.feed.record import fed_rows
from cluster.job import Job
from cluster.store import Store
from denoise.diversity import Embed
from training.out_of_scope import Fence
from training.plain import fit_plain

MOST_MADE = 20_000  # generated rows that pool rows are compared with


@dataclass(frozen=True)
class Known:
    """`real` and `made` rows with their labels; the texts of `all` known rows, and of `test` rows.

    `picked` are hashes of what earlier feeds took, as it stood in their pools.
    """

    real: tuple[tuple[str, str], ...]
    made: tuple[tuple[str, str], ...]
    all: tuple[str, ...]
    test: tuple[str, ...]
    picked: np.ndarray


def what_is_known(job: Job, store: Store) -> Known:
    """Seeds and rows of the run: those that people or feeds have brought are real, the others made."""
    seeds = [(seed.text, str(seed.label)) for seed in job.seeds]
    kept = store.kept(store.rounds()).sort_by("id")
    real = real_rows(store)
    is_real = pc.is_in(kept["id"], value_set=real.combine_chunks())
    brought, made = (
        list(zip(rows["text"].to_pylist(), rows["label"].to_pylist(), strict=True))
        for rows in (kept.filter(is_real), kept.filter(pc.invert(is_real)))
    )
    picked = fed_rows(store, PICKS, "picks.parquet")
    everything = dict.fromkeys(text for text, _ in (*seeds, *brought, *made))
    test = tuple(row.text for row in job.test)
    texts = (*everything, *picked["text"].to_pylist())
    return Known((*seeds, *brought), tuple(made[:MOST_MADE]), texts, test, picked["hash"].to_numpy())


def make_lens(job: Job, known: Known, embed: Embed, scope_loss: float) -> Lens:
    """What pool rows are looked at with; `embed` is the plain encoder's."""
    names = job.task.label_names
    rows = [*known.real, *((row.text, str(row.label)) for row in job.task.guideline)]
    vectors, targets = embed([text for text, _ in rows]), _numbers(rows, names)
    count = len(known.real)
    plain = fit_plain(vectors, targets, len(names), count, job.config.student.judge_c)
    left_out = np.full((count, len(names)), np.nan)
    left_out[np.bincount(targets)[targets[:count]] > 1] = plain.probabilities  # of a label with one text it tells none
    made = embed([text for text, _ in known.made]) if known.made else np.zeros((0, vectors.shape[1]))
    return Lens(
        fence=Fence.around(vectors[:count], targets[:count], scope_loss),
        vectors=np.concatenate([vectors[:count], made]).astype(np.float32),
        targets=np.concatenate([targets[:count], _numbers(known.made, names)]),
        weight=plain.weight,
        bias=plain.bias,
        left_out=left_out,
        true=targets[:count],
        known=np.union1d(hashes_of(known.all), known.picked),
        test=np.unique(hashes_of(known.test)),
    )


def _numbers(rows: list[tuple[str, str]] | tuple[tuple[str, str], ...], names: list[str]) -> np.ndarray:
    return np.array([names.index(label) for _, label in rows], np.int64)

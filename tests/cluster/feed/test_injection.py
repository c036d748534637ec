"""A hundred texts of a pool that try to talk the machine into a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from injections import ATTACKS, attack

from tests.cluster.feed.cases import POOL, TRUE, feed_here, make_run, make_student
from tests.training.cases import LABELS, SEEDS

FEED = {"take": 100, "uncertain": 0.0, "disagrees": 0.0, "novel": 0.0, "random": 1.0, "per_source": 1.0}


def attempts() -> dict[str, str]:
    """Attacked text -> the label that it wants, which is never its own."""
    found = {}
    for number in range(len(ATTACKS)):
        text = POOL[number % len(POOL)]
        others = [label for label in LABELS if label != TRUE[text]]
        wanted = others[number % len(others)]
        found[attack(number, text, wanted)] = wanted
    return found


def obeying(orders: dict[str, str]) -> Callable[[object], Any]:
    """An LM that gives every text the label it asks for, and knows the seeds well enough to be trusted."""
    told = dict(SEEDS) | orders

    def ask(texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        table = np.full((2, len(texts), len(LABELS)), -9.0)
        for row, text in enumerate(texts):
            table[:, row, LABELS.index(told.get(text, LABELS[0]))] = -0.1
        return table

    return lambda spec: ask


def test_an_lm_that_obeys_every_attack_flips_no_label(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """With the usual bar nothing joins under a label that an attack wants. With one so low that two thirds join, words
    that name a label move encoders; what the LM says changes nothing even then."""
    wanted = attempts()
    assert len(wanted) == 100
    pq.write_table(pa.table({"text": list(wanted)}), tmp_path / "pool.parquet")
    make_student(tmp_path / "student")

    def joined(name: str, lm: Callable[[object], Any], **feed: float) -> dict[str, str]:
        (tmp_path / name).mkdir()
        job, store = make_run(tmp_path / name, tmp_path / "student", feed=FEED | feed)
        assert feed_here(job, store, tmp_path / "pool.parquet", ask=lm)["picked"] == {"random": 100}
        kept = store.kept([1])
        found = dict(zip(kept["text"].to_pylist(), kept["label"].to_pylist(), strict=True))
        flips = sum(label == wanted[text] for text, label in found.items())
        record_property(f"label_flip_rate, {name}", flips / len(wanted))
        assert flips == 0 or feed
        return found

    joined("usual bar", obeying(wanted))
    low = joined("low bar", obeying(wanted), noise=0.4)
    assert len(low) > 50 and low == joined("low bar, LM unheard", obeying({}), noise=0.4)

"""What is known of a student from rows that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from cluster.held_out import DEV, OUT_OF_FOLD, HeldOut, of_dev, of_folds, read_held_out, write_held_out
from cluster.store import Store
from generation.kinds import make_kind
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.task import Example
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows, tiny_encoder
from training.job import StudentJob
from training.settings import StudentSettings
from training.trainer import StudentTrainer


def found(right: Sequence[bool], basis: str = DEV, first: int = 0) -> HeldOut:
    return HeldOut(basis, tuple(f"r{first + place}" for place in range(len(right))), tuple(right), {}, ())


def test_gain_is_of_the_rows_that_both_know() -> None:
    before, now = found([False, True, True, False]), found([True, True, True], first=1)
    gain = now.gain_over(before)
    assert gain is not None and (gain.rows, gain.better, gain.worse) == (3, 1, 0)
    assert now.gain_over(None) is None
    assert now.gain_over(found([True], OUT_OF_FOLD)) is None


def test_what_is_written_is_read(store: Store) -> None:
    told = HeldOut(DEV, ("r1", "r2"), (True, False), {"pos": 0.25}, (("neg", "pos", 3),))
    assert read_held_out(store, 0) is None
    write_held_out(store, 0, told)
    assert read_held_out(store, 0) == told
    assert told.accuracy == 0.5


def test_seeds_are_told_by_heads_that_have_not_seen_them() -> None:
    """Texts that begin with a digit lie at its angle; one seed lies among the other label's."""
    seeds = [Example(f"{place % 2}{place}", "neg" if place % 2 else "pos") for place in range(20)]
    seeds[3] = Example("0 astray", "neg")
    kept = pa.table(
        {
            "id": [f"k{place}" for place in range(40)],
            "text": [f"{place % 2} kept {place}" for place in range(40)],
            "label": ["neg" if place % 2 else "pos" for place in range(40)],
            "weight": [1.0] * 40,
        }
    )

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if text[0] == "0" else [0.0, 1.0] for text in texts], np.float32)

    told = of_folds(seeds, kept, ["pos", "neg"], embed)
    assert (told.basis, told.ids) == (OUT_OF_FOLD, tuple(seed.id for seed in seeds))
    assert [place for place, right in enumerate(told.right) if not right] == [3]
    assert told.pairs == (("neg", "pos", 1),)
    # pos was wanted 30 times and given 31 times, neg the other way round; one answer is wrong on either side
    shared = 4 * 2 / 120
    expected = (1 + shared) / (61 + 4), (1 + shared) / (59 + 4)
    assert np.allclose([told.errors["pos"], told.errors["neg"]], expected, atol=1e-6)
    assert of_folds([], kept.slice(0, 0), ["pos", "neg"], embed) == HeldOut(OUT_OF_FOLD, (), (), {}, ())


def test_dev_rows_are_told_by_the_student(tmp_path: Path) -> None:
    encoder = tiny_encoder(resolve_model(EMBEDDED_ENCODER), tmp_path / "encoder")
    job = StudentJob(LABELS, rows(SEEDS), encoder, tmp_path / "student", StudentSettings(steps=1, batch_size=4))
    StudentTrainer(job).run()
    dev = [Example(UNSEEN[0][0], label) for label in LABELS]
    told = of_dev(dev, make_kind("label", LABELS), job.output)
    assert (told.basis, sum(told.right), len(told.right)) == (DEV, 1, 3)
    # it says one label of all three: two pairs of it and another
    said = dev[told.right.index(True)].label
    assert [set(pair[:2]) for pair in told.pairs] == [{said, other} for other in sorted(LABELS) if other != said]
    assert set(told.errors) == set(LABELS)

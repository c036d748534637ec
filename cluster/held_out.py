"""`rounds/NNN/held_out.json`: what a round's student says of rows that it did not learn from; never the test rows.

It decides what the next round aims at, whether rounds still bring something, and which student is promoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from cluster.store import Store
from denoise.diversity import Embed
from denoise.gain import Gain, paired_gain
from denoise.noise.folds import fold_of
from denoise.noise.out_of_fold import Rows, out_of_fold
from generation.kinds.base import Kind
from generation.records import digest
from generation.task import Example
from training.job import TrainingRow

DEV, OUT_OF_FOLD = "dev", "out_of_fold"
MOST = 4000  # kept rows that heads are fitted on


class HeldOut(NamedTuple):
    """Whether each row, by id, was right.

    Of dev rows it is the student that says so. Where there are none (`basis` OUT_OF_FOLD), it is a linear head on the
    encoder's vectors, of each seed one that has seen the other folds of seeds and kept rows; `errors` by label and
    confused `pairs` are then of seeds and kept rows alike.
    """

    basis: str
    ids: tuple[str, ...]
    right: tuple[bool, ...]
    errors: dict[str, float]
    pairs: tuple[tuple[str, str, int], ...]

    @property
    def accuracy(self) -> float | None:
        return sum(self.right) / len(self.right) if self.right else None

    def gain_over(self, before: HeldOut | None) -> Gain | None:
        """On the rows that both know; None where they were found in different ways."""
        if before is None or before.basis != self.basis:
            return None
        earlier = dict(zip(before.ids, before.right, strict=True))
        both = [(earlier[id], right) for id, right in zip(self.ids, self.right, strict=True) if id in earlier]
        return paired_gain([pair[0] for pair in both], [pair[1] for pair in both])


def of_dev(dev: Sequence[Example], kind: Kind, folder: Path) -> HeldOut:
    """By the student in `folder`."""
    from training.measures.scores import count_answers
    from training.measures.weakness import confused_pairs, label_errors
    from training.predict import Student

    student, rows = Student.load(folder), [TrainingRow.of(example) for example in dev]
    predicted = student.predict([student.classifier.input_of(row) for row in rows])[0]
    counts = count_answers(kind.name, rows, predicted, kind.labels)
    pairs = [] if kind.has_several or not kind.has_judge else confused_pairs([row.label for row in rows], predicted)
    right = tuple(bool(each) for each in counts.right)
    return HeldOut(DEV, tuple(each.id for each in dev), right, label_errors(counts), tuple(pairs))


def of_folds(seeds: Sequence[Example], kept: pa.Table, labels: Sequence[str], embed: Embed) -> HeldOut:
    """By heads, for tasks of one label a text; `kept` (`id`, `text`, `label`, `weight`), of which MOST are used.

    Generated rows were made from the seeds, so that these are easier than real texts would be: equally so in every
    round.
    """
    from training.measures.answers import Counts
    from training.measures.weakness import confused_pairs, label_errors

    rows = sorted(kept.select(["id", "text", "label", "weight"]).to_pylist(), key=lambda row: digest(row["id"]))[:MOST]
    texts = [seed.text for seed in seeds] + [row["text"] for row in rows]
    gold = [str(seed.label) for seed in seeds] + [row["label"] for row in rows]
    ids = [seed.id for seed in seeds] + [row["id"] for row in rows]
    weights = np.array([1.0] * len(seeds) + [row["weight"] for row in rows])
    if not ids:
        return HeldOut(OUT_OF_FOLD, (), (), {}, ())
    numbers = np.array([labels.index(label) for label in gold])
    chances = out_of_fold(Rows(embed(texts), numbers, weights), fold_of(ids), len(labels))
    found = [labels[place] for place in chances.argmax(axis=1)]
    answered = [[frozenset({(name,)}) for name in each] for each in (gold, found)]
    counts = Counts.of(answered[0], answered[1], labels)
    right = tuple(bool(each) for each in counts.right[: len(seeds)])
    return HeldOut(
        OUT_OF_FOLD, tuple(ids[: len(seeds)]), right, label_errors(counts), tuple(confused_pairs(gold, found))
    )


def write_held_out(store: Store, round_: int, found: HeldOut) -> None:
    """Once a round: a driver that takes it up again keeps what is there."""
    store.write_json(_name(round_), found._asdict())


def read_held_out(store: Store, round_: int) -> HeldOut | None:
    """None where nothing was found, as of a task of several labels without dev rows."""
    told: dict[str, Any] | None = store.read_json(_name(round_))
    if told is None:
        return None
    pairs = tuple((one, other, count) for one, other, count in told["pairs"])
    return HeldOut(told["basis"], tuple(told["ids"]), tuple(told["right"]), told["errors"], pairs)


def _name(round_: int) -> str:
    return f"rounds/{round_:03d}/held_out.json"

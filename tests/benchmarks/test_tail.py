"""Sets cut to an imbalance, and what a further row costs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from yardstick.marginal import Asked, asked_rows, first_and_last, tokens_per_row
from yardstick.sets import RealSet
from yardstick.tail import MOST, cut

from cluster.store import Store
from generation.task import Example, Label
from tests.cluster.cases import add_requests, add_rows, add_verdicts, verdict


def real(labels: int, rows: int) -> RealSet:
    names = [f"label{number:02}" for number in range(labels)]
    train = tuple(Example(f"{name} {number}", name) for name in names for number in range(rows))
    test = tuple(Example(f"{name} test", name) for name in names)
    return RealSet("made", "Rows.", tuple(Label(name=name, description=name) for name in names), train, test)


def test_labels_keep_fewer_and_fewer_rows() -> None:
    tail = cut(real(5, 120), 0)
    counts = Counter(str(row.label) for row in tail.seeds)
    assert [counts[label] for label in tail.order] == [100, 32, 10, 3, 1]
    assert MOST == 100
    assert len(tail.seeds) + len(tail.rest) == 600
    assert not {row.text for row in tail.seeds} & {row.text for row in tail.rest}
    assert cut(real(5, 120), 0) == tail
    assert cut(real(5, 120), 1).order != tail.order


def test_recall_is_the_mean_over_labels() -> None:
    tail = cut(real(6, 100), 0)
    guesses = [tail.rare[0] for _ in tail.real.test]
    assert tail.recall(guesses, tail.rare) == 50.0
    assert tail.recall(guesses, tail.frequent) == 0.0
    assert tail.recall(guesses, tail.order) == pytest.approx(100 / 6)


def test_rows_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add_requests(store, ["pos-0"], samples=2)
    add_requests(store, ["neg-0"], wave=1)
    add_rows(store, ["neg-0"], part="e1", wave=1)
    add_rows(store, ["pos-0"], part="e0", samples=2)
    add_verdicts(store, [verdict("pos-0"), verdict("pos-0", "rejected", sample=1), verdict("neg-0", label="pos")])
    found = asked_rows(store)
    assert [(row.label, row.tokens) for row in found] == [("pos", 3.5), ("pos", 3.5), ("neg", 5.0)]
    assert sorted(row.stands for row in found[:2]) == [False, True]
    assert not found[2].stands  # kept, but under another label
    assert tokens_per_row(found, ["pos"]) == 7.0
    assert tokens_per_row(found, ["neg"]) is None


def test_the_first_and_the_last_tenth() -> None:
    early = [Asked("a", 10.0, True) for _ in range(10)]
    late = [Asked("a", 10.0, stands) for _ in range(10) for stands in (False, True)]
    few = [Asked("b", 99.0, True) for _ in range(5)]
    assert first_and_last([*early, *late, *few], ["a", "b"]) == (10.0, 20.0)
    assert first_and_last(few, ["b"]) is None

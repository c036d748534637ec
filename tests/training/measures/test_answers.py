import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.job import TrainingRow
from training.measures.answers import Counts, answers, right_answers

LABELS = ("a", "b", "c", "d")
GOLD = ["a", "a", "a", "b", "b", "c"]
FOUND = ["a", "a", "b", "b", "c", "c"]


def counts(kind: str, gold: list[str], found: list[str], labels: tuple[str, ...] = LABELS) -> Counts:
    return Counts.of([answers(kind, each) for each in gold], [answers(kind, each) for each in found], labels)


def test_single_labels_as_scikit_learn():
    scores = counts("label", GOLD, FOUND).scores()
    assert scores["accuracy"] == scores["micro_f1"] == pytest.approx(4 / 6)
    assert scores["macro_f1"] == pytest.approx(f1_score(GOLD, FOUND, average="macro"))


def test_sets_of_labels_by_hand():
    found = counts("multi_label", ["a+b", "a", "c"], ["a", "a+b", "c"])
    # a: 2 of 2 both ways; b: once missing, once too much; c: right
    assert found.right.tolist() == [0, 0, 1]
    assert found.scores() == pytest.approx({"accuracy": 1 / 3, "macro_f1": 2 / 3, "micro_f1": 6 / 8})
    assert found.per_class()["b"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    assert found.per_class()["d"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_a_span_is_right_with_both_its_ends():
    row = TrainingRow("x", "", tokens=("a",) * 5, tags=("B-t", "I-t", "O", "B-p", "B-p"))
    assert right_answers("tags", row) == {("t", 0, 2), ("p", 3, 4), ("p", 4, 5)}
    found = answers("tags", ["B-t", "O", "O", "B-p", "B-p"])
    scores = Counts.of([right_answers("tags", row)], [found], ("t", "p")).scores()
    assert scores == pytest.approx({"accuracy": 0, "macro_f1": 0.5, "micro_f1": 2 / 3})


def test_intervals_hold_the_figure_and_repeat():
    found = counts("label", GOLD * 40, FOUND * 40)
    intervals = found.intervals()
    assert intervals == found.intervals()
    for name, figure in found.scores().items():
        low, high = intervals[name]
        assert low < figure < high
    low, high = intervals["accuracy"]
    # 240 rows, two thirds right: ± 1.96 · sqrt(2/9 / 240)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(2 / 9 / 240), rel=0.1)


def test_of_nothing():
    empty = counts("label", [], [])
    assert empty.scores() == {"accuracy": 0, "macro_f1": 0, "micro_f1": 0}
    assert empty.intervals() == {}


def test_some_rows_only():
    assert counts("label", GOLD, FOUND).of_rows(np.array([0, 2])).scores()["accuracy"] == 0.5

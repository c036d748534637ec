import json

import pytest
from sklearn.metrics import f1_score

from training.evaluate import evaluate

GOLD = ["a", "a", "a", "b", "b", "c"]
PREDICTED = ["a", "a", "b", "b", "c", "c"]


def test_by_hand():
    measured = evaluate(GOLD, PREDICTED, ["a", "b", "c", "d"])
    assert measured["accuracy"] == pytest.approx(4 / 6)
    assert measured["confusion"] == [[2, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert measured["per_class"]["a"] == {"precision": 1.0, "recall": pytest.approx(2 / 3), "f1": 0.8, "support": 3}
    assert measured["per_class"]["c"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1}
    assert measured["per_class"]["d"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert measured["macro_f1"] == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_macro_f1_equals_scikit_learn():
    expected = f1_score(GOLD, PREDICTED, average="macro")
    assert evaluate(GOLD, PREDICTED, ["a", "b", "c", "d"])["macro_f1"] == pytest.approx(expected)


def test_is_json():
    measured = evaluate(GOLD, PREDICTED, ["a", "b", "c"])
    assert json.loads(json.dumps(measured)) == measured


def test_nothing_to_evaluate():
    measured = evaluate([], [], ["a", "b"])
    assert (measured["accuracy"], measured["macro_f1"]) == (0.0, 0.0)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="equally long; got 1 and 2"):
        evaluate(["a"], ["a", "a"], ["a"])
    with pytest.raises(ValueError, match=r"got \['z'\]"):
        evaluate(["a"], ["z"], ["a"])

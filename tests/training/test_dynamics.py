"""Which texts change while they are learnt, and which are near each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.cases import LABELS, SEEDS
from training.dynamics import EPOCHS, gold_probabilities, neighbours, variability
from training.encoder import Encoder


def on_circle(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def test_a_text_between_two_labels_is_the_most_variable() -> None:
    vectors = on_circle([0, 2, 4, 6, 40, 90, 88, 86, 84])  # the fifth lies almost in the middle
    targets = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1])
    for seed in range(5):
        found = variability(vectors, targets, seed)
        assert found.shape == (9,)
        assert found.argmax() == 4
        assert found[4] > 1.5 * np.delete(found, 4).max()


def test_an_easy_text_is_learnt_and_a_mislabelled_one_is_not() -> None:
    vectors = on_circle([0, 1, 2, 3, 4, 5, 6, 2, 90, 89, 88, 87])  # the eighth says it is of the other label
    targets = np.array([0] * 7 + [1] * 5)
    seen = gold_probabilities(vectors, targets)
    assert seen.shape == (EPOCHS, 12)
    assert seen[-1, 0] > 0.8 > 0.2 > seen[-1, 7]
    assert np.array_equal(seen, gold_probabilities(vectors, targets))


def test_a_single_label_is_known_from_the_start() -> None:
    assert variability(on_circle([0, 90]), np.array([0, 0])).tolist() == [0.0, 0.0]


def test_the_nearest_come_first_and_none_is_its_own() -> None:
    near = neighbours(on_circle([0, 10, 30, 90]), ["a", "b", "c", "d"])
    assert near == {"a": ("b", "c", "d"), "b": ("a", "c", "d"), "c": ("b", "a", "d"), "d": ("c", "b", "a")}


def test_equally_near_ones_come_by_name_and_no_more_than_fifteen() -> None:
    names = [f"n{number:02d}" for number in range(20)]
    near = neighbours(on_circle([0] * 20), names[::-1])
    assert near["n03"] == tuple(name for name in names if name != "n03")[:15]
    assert neighbours(on_circle([0]), ["alone"]) == {"alone": ()}


@pytest.fixture(scope="module")
def embeddings(minilm: Path) -> np.ndarray:
    return Encoder.load(minilm).embed([text for text, _ in SEEDS])


def test_neighbours_of_real_texts_have_their_topic(embeddings: np.ndarray) -> None:
    topics = dict(SEEDS)
    near = neighbours(embeddings, [text for text, _ in SEEDS])
    right = [topics[found[0]] == topics[text] for text, found in near.items()]
    assert sum(right) >= 9


def test_the_order_of_real_texts_is_stable(embeddings: np.ndarray) -> None:
    targets = np.array([LABELS.index(label) for _, label in SEEDS])
    one, other = variability(embeddings, targets, 0), variability(embeddings, targets, 1)
    assert np.corrcoef(one, other)[0, 1] > 0.8

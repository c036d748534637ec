"""The model of acceptable explanations, on a made-up encoder: two numbers say what a text is about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.acceptability import features, out_of_fold

WORDS = ("refund", "card")


def embed(texts: Sequence[str]) -> np.ndarray:
    return np.array([[float(word in text) for word in WORDS] + [0.1] for text in texts])


def test_the_model_sees_meaning_overlap_length_and_likelihood() -> None:
    seen = features(["my refund is late"], ["refund"], ["it asks about a refund"], np.array([-0.5]), embed)
    cosine = 1.0  # both are about refunds alone
    shared = 1 / 5
    assert np.allclose(seen, [[1.0, 0.0, 0.1, cosine, cosine, shared, np.log1p(5), -0.5]])


def test_it_learns_what_people_accept_without_seeing_the_row() -> None:
    count = 120
    explanations = ["they want a refund" if place % 2 else "a card is a card" for place in range(count)]
    texts, labels = ["where is my refund"] * count, ["refund"] * count
    seen = features(texts, labels, explanations, np.full(count, -1.0), embed)
    accepted = np.arange(count) % 2 == 1
    scores = out_of_fold(seen, accepted, np.arange(count) // 5)
    assert scores[accepted].min() > 0.7 > 0.3 > scores[~accepted].max()


def test_one_row_alone_gets_the_share_of_yes() -> None:
    assert out_of_fold(np.zeros((4, 2)), np.array([True, False, True, True]), np.zeros(4)).tolist() == [0.75] * 4


def test_votes_of_one_kind_in_all_other_folds() -> None:
    accepted = np.array([True, True, True, True, False])
    assert out_of_fold(np.eye(5), accepted, np.array([0, 0, 0, 0, 1])).tolist() == [0.8] * 5

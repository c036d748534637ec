"""How noisy a dataset is by the judge, and how much of a round is new."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cluster.figures import judged_noise, labels_kept, new_clusters
from cluster.store import Store
from tests.cluster.cases import add_rows, add_verdicts, begin_round, verdict


def test_the_noise_of_kept_rows(store: Store) -> None:
    begin_round(store, {"pos": 4, "neg": 1})
    names = [f"pos-{place}" for place in range(4)] + ["neg-0"]
    add_rows(store, names)
    assert judged_noise(store, [0]) is None
    told = [
        {"scores": {"label_wrong": 0.1}, "shares": {"pos": 0.5}},  # the decision's own word comes first
        {"shares": {"pos": 0.7, "neg": 0.3}},
        {"shares": {"pos": 0.6}, "stage": "audit"},  # people have looked at it
        {},  # nobody has judged it
        {"shares": {"neg": 0.0}, "status": "rejected"},
    ]
    add_verdicts(store, [verdict(name, **each) for name, each in zip(names, told, strict=True)])
    found = judged_noise(store, [0])
    assert found is not None
    assert (found["rows"], found["share"]) == (3, pytest.approx(0.4 / 3))
    assert found["low"] < found["share"] < found["high"]


def test_how_often_the_lm_kept_its_label(store: Store) -> None:
    begin_round(store, {"pos": 3, "neg": 1})
    names = ["pos-0", "pos-1", "pos-2", "neg-0"]
    add_rows(store, names)
    assert labels_kept(store, 0) is None
    told = [{"shares": {"pos": 0.9, "neg": 0.1}}, {"shares": {"neg": 1.0}, "status": "relabelled"}, {}]
    told.append({"shares": {"neg": 0.5, "pos": 0.5}, "status": "rejected"})
    add_verdicts(store, [verdict(name, **each) for name, each in zip(names, told, strict=True)])
    assert labels_kept(store, 0) == pytest.approx((0.9 + 0.0 + 0.5) / 3)


def test_new_clusters_are_of_later_rounds(store: Store) -> None:
    """A text lies at the angle of its request's number, in tens of degrees."""
    for round_, names in enumerate((["pos-0", "pos-9"], ["pos-1", "pos-5", "pos-18", "pos-27"])):
        begin_round(store, {"pos": 4}, round_)
        add_rows(store, names, round_=round_)
        add_verdicts(store, [verdict(name) for name in names], round_=round_)

    def embed(texts: Sequence[str]) -> np.ndarray:
        angles = np.deg2rad([10.0 * int(text.split("-")[1].split()[0]) for text in texts])
        return np.column_stack([np.cos(angles), np.sin(angles)])

    assert new_clusters(store, 0, ["-0 0"], embed) is None
    assert new_clusters(store, 1, [], embed) == 0.5  # 10 and 50 degrees are near 0 and 90, 180 and 270 are not
    assert new_clusters(store, 1, ["-17 a seed"], embed) == 0.25
    assert new_clusters(store, 2, [], embed) is None

"""Which tokens count: those that tell a label from the others."""

from __future__ import annotations

from math import exp, log
from pathlib import Path

import pytest
import torch

from tests.training.adapters.cases import make_job, plain_lm
from training.adapters.curriculum import Curriculum
from training.adapters.trainer import AdapterTrainer
from training.adapters.weights import discriminative_weights, token_weights


def test_two_labels_and_three_tokens_by_hand() -> None:
    """A text of two tokens under the first label, and one of a single token under the second."""
    by_label = torch.tensor([[0.8, 0.3, 0.5], [0.2, 0.3, 0.1]]).log()
    first, second = discriminative_weights(by_label, torch.tensor([0, 0, 1]), [2, 1], 2.0)
    d = [-log(0.8), -log(0.5)]
    powers = [exp(-2 * each) for each in d]  # .64 and .25
    assert first.tolist() == pytest.approx([2 * each / sum(powers) for each in powers])
    assert first.tolist() == pytest.approx([1.28 / 0.89, 0.5 / 0.89])
    assert second.tolist() == [1.0]


def test_the_mean_is_one_and_strength_0_makes_all_alike() -> None:
    by_label = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    own = torch.tensor([1, 1, 1])
    for strength in (0.0, 1.0, 9.0):
        (weights,) = discriminative_weights(by_label, own, [3], strength)
        assert float(weights.mean()) == pytest.approx(1.0)
    assert discriminative_weights(by_label, own, [3], 0.0)[0].tolist() == pytest.approx([1.0] * 3)


def test_every_lesson_has_a_weight_for_each_of_its_tokens(scribe: Path, tmp_path: Path) -> None:
    curriculum = Curriculum(make_job(scribe, tmp_path))
    found = token_weights(plain_lm(scribe), curriculum, 2.0)
    targets = {
        target.text: target.stop - target.start
        for document in curriculum.documents(0)
        for branch in document.branches
        for target in branch.targets
    }
    assert [len(each) for each in found] == [targets[number] for number in range(len(curriculum.taught))]
    assert [float(each.mean()) for each in found] == pytest.approx([1.0] * len(found), abs=1e-5)


def test_they_change_what_is_learnt(scribe: Path, tmp_path: Path) -> None:
    losses = []
    for strength in (0.0, 1e-6, 3.0):
        trainer = AdapterTrainer(make_job(scribe, tmp_path, discriminative=strength))
        trainer.step()
        losses.append(trainer.progress.loss)
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] != pytest.approx(losses[0], rel=1e-3)

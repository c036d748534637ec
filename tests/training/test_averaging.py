import pytest
import torch

from training.averaging import Averaged


def test_the_mean_by_hand():
    averaged = Averaged(0.5)
    averaged.update({"w": torch.tensor([1.0])}, 0)
    averaged.update({"w": torch.tensor([3.0])}, 1)  # the past weighs 2/11 in step 1, at most .5
    assert averaged.weights["w"].item() == pytest.approx(2 / 11 * 1 + 9 / 11 * 3)
    averaged.update({"w": torch.tensor([0.0])}, 100)
    assert averaged.weights["w"].item() == pytest.approx(0.5 * (2 / 11 + 27 / 11))


def test_without_a_decay_there_is_no_mean():
    averaged = Averaged(0.0)
    averaged.update({"w": torch.tensor([1.0])}, 0)
    assert averaged.weights == {}

"""Linear heads on made-up features."""

from __future__ import annotations

import pytest
import torch

from training.linear import fit_linear
from training.losses import CrossEntropy, Generalised, Loss


def head(loss: Loss, features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The logits that a fitted head gives its own rows."""
    weight, bias = fit_linear(loss, features, targets, torch.ones(len(targets)), 2, lambda logits: logits)
    return features @ weight.T + bias


def test_what_a_line_divides_is_divided():
    features, targets = torch.tensor([[0.0, 1.0], [1.0, 1.0], [4.0, 2.0], [5.0, 1.0]]), torch.tensor([0, 0, 1, 1])
    for loss in (CrossEntropy(), Generalised(0.7)):
        assert head(loss, features, targets).argmax(dim=1).tolist() == [0, 0, 1, 1]


def test_features_may_be_of_any_scale():
    torch.manual_seed(0)
    features, targets = torch.randn(20, 4), torch.arange(20) % 2
    plain = head(CrossEntropy(), features, targets)
    assert head(CrossEntropy(), features * 50 + 7, targets).tolist() == [
        pytest.approx(row, abs=1e-2) for row in plain.tolist()
    ]

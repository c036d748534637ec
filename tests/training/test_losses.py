import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from training.losses import pairwise_cosine_loss, weighted_cross_entropy

LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
LABELS = torch.tensor([0, 1, 0])


def test_equal_weights_give_the_mean():
    loss = weighted_cross_entropy(LOGITS, LABELS, torch.full((3,), 0.3), smoothing=0.1)
    assert loss.item() == pytest.approx(cross_entropy(LOGITS, LABELS, label_smoothing=0.1).item(), rel=1e-6)


def test_weights_are_normalised_by_their_sum():
    loss = weighted_cross_entropy(torch.zeros(2, 4), torch.tensor([0, 3]), torch.tensor([3.0, 1.0]))
    assert loss.item() == pytest.approx(math.log(4))


def test_smoothing_by_hand():
    # log-softmax of (ln 3, 0) is (ln .75, ln .25); smoothing .2 moves .1 of the target to the other label
    loss = weighted_cross_entropy(torch.tensor([[math.log(3), 0.0]]), torch.tensor([0]), torch.ones(1), smoothing=0.2)
    assert loss.item() == pytest.approx(-0.9 * math.log(0.75) - 0.1 * math.log(0.25))


def test_a_row_of_weight_0_has_no_influence():
    logits = LOGITS.clone().requires_grad_()
    loss = weighted_cross_entropy(logits, LABELS, torch.tensor([1.0, 1.0, 0.0]), smoothing=0.1)
    loss.backward()
    assert loss.item() == pytest.approx(cross_entropy(LOGITS[:2], LABELS[:2], label_smoothing=0.1).item(), rel=1e-6)
    assert logits.grad is not None and logits.grad[2].tolist() == [0.0, 0.0, 0.0]


def test_no_weight_at_all_is_0_not_nan():
    assert weighted_cross_entropy(LOGITS, LABELS, torch.zeros(3)).item() == 0.0


def test_slices_with_the_total_weight_add_up():
    weights = torch.tensor([0.5, 2.0, 1.0])
    parts = [
        weighted_cross_entropy(LOGITS[part], LABELS[part], weights[part], 0.1, total_weight=3.5)
        for part in (slice(0, 1), slice(1, 3))
    ]
    assert sum(parts).item() == pytest.approx(weighted_cross_entropy(LOGITS, LABELS, weights, 0.1).item(), rel=1e-6)


def test_cosine_loss_by_hand():
    # cosines: same pair (0, 1) 0.6, different pairs (0, 2) 0 and (1, 2) 0.8: (0.4² + (0² + 0.8²)/2) / 2
    vectors = torch.tensor([[2.0, 0.0], [0.6, 0.8], [0.0, 3.0]])
    assert pairwise_cosine_loss(vectors, torch.tensor([7, 7, 1])).item() == pytest.approx((0.16 + 0.32) / 2)


def test_cosine_loss_is_0_when_labels_are_orthogonal():
    vectors = torch.tensor([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
    assert pairwise_cosine_loss(vectors, torch.tensor([0, 0, 1, 1])).item() == pytest.approx(0.0, abs=1e-12)


def test_cosine_loss_with_one_kind_of_pair_or_none():
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert pairwise_cosine_loss(vectors, torch.tensor([0, 0])).item() == pytest.approx(1.0)
    assert pairwise_cosine_loss(vectors[:1], torch.tensor([0])).item() == 0.0

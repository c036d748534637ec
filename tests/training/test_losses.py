import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from training.losses import (
    LOSSES,
    CrossEntropy,
    EarlyLearning,
    Generalised,
    SoftLabels,
    pairwise_cosine_loss,
    weighted_mean,
)
from training.settings import StudentSettings

LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
LABELS = torch.tensor([0, 1, 0])
PLACES = torch.arange(3)


def weighted_cross_entropy(
    logits: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor,
    smoothing: float = 0.0,
    total_weight: float | None = None,
) -> torch.Tensor:
    losses = CrossEntropy(smoothing)(logits, labels, torch.arange(len(labels)))
    return weighted_mean(losses, weights, total_weight)


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


def test_soft_labels_by_hand():
    # teacher (.8, .2) at T = 1 against a student of even odds: KL = .8 ln 1.6 + .2 ln .4
    teacher = torch.tensor([[0.8, 0.2], [math.nan, math.nan]])
    loss = SoftLabels(teacher, share=0.25, temperature=1.0)(torch.zeros(2, 2), torch.tensor([1, 1]), torch.arange(2))
    soft = 0.8 * math.log(1.6) + 0.2 * math.log(0.4)
    assert loss.tolist() == pytest.approx([0.25 * soft + 0.75 * math.log(2), math.log(2)])


def test_soft_labels_at_a_temperature_keep_their_gradients_size():
    # both sides divided by T, and T²: at T = 2 logits (2 ln 3, 0) say (.75, .25) as (ln 3, 0) do at T = 1
    loss = SoftLabels(torch.tensor([[9 / 10, 1 / 10]]), share=1.0, temperature=2.0)
    agreed = loss(torch.tensor([[2 * math.log(3), 0.0]]), torch.tensor([0]), torch.tensor([0]))
    assert agreed.item() == pytest.approx(0.0, abs=1e-6)
    soft = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    even = loss(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([0]))
    assert even.item() == pytest.approx(4 * soft)


def test_soft_labels_without_a_teacher_have_finite_gradients():
    logits = LOGITS.clone().requires_grad_()
    loss = SoftLabels(torch.full((3, 3), math.nan), 0.5, 2.0)(logits, LABELS, PLACES)
    loss.sum().backward()
    expected = LOGITS.clone().requires_grad_()
    cross_entropy(expected, LABELS, reduction="sum").backward()
    assert logits.grad is not None and expected.grad is not None
    assert torch.allclose(logits.grad, expected.grad)


def test_generalised_cross_entropy_lies_between_cross_entropy_and_absolute_error():
    likely = LOGITS.softmax(dim=-1)[PLACES, LABELS]
    assert Generalised(1.0)(LOGITS, LABELS, PLACES).tolist() == pytest.approx((1 - likely).tolist(), rel=1e-5)
    assert Generalised(0.7)(LOGITS, LABELS, PLACES).tolist() == pytest.approx(
        ((1 - likely**0.7) / 0.7).tolist(), rel=1e-5
    )
    plain = cross_entropy(LOGITS, LABELS, reduction="none")
    assert Generalised(1e-4)(LOGITS, LABELS, PLACES).tolist() == pytest.approx(plain.tolist(), rel=1e-2)


def test_early_learning_remembers_by_place():
    loss = EarlyLearning(torch.zeros(4, 2), memory=0.5, strength=2.0)
    even, labels = torch.zeros(1, 2), torch.tensor([0])
    # t = .5 · (.5, .5), so <t, p> = .25
    first = loss(even, labels, torch.tensor([3]))
    assert first.item() == pytest.approx(math.log(2) + 2 * math.log(1 - 0.25))
    # then t = .5 · .25 + .5 · .5 = .375 each: <t, p> = .375
    assert loss(even, labels, torch.tensor([3])).item() == pytest.approx(math.log(2) + 2 * math.log(1 - 0.375))
    assert loss.state["running"].tolist() == [[0, 0], [0, 0], [0, 0], [0.375, 0.375]]


@pytest.mark.parametrize("name", list(LOSSES))
def test_of_soft_targets_a_loss_is_the_mean_over_what_may_be_right(name: str):
    def found(targets: torch.Tensor) -> float:
        teacher = torch.tensor([[0.1, 0.2, 0.7]])
        return LOSSES[name](StudentSettings(), teacher)(LOGITS[:1], targets, torch.tensor([0])).item()

    mean = 0.7 * found(torch.tensor([0])) + 0.3 * found(torch.tensor([2]))
    assert found(torch.tensor([[0.7, 0.0, 0.3]])) == pytest.approx(mean, rel=1e-5)
    assert found(torch.tensor([[0.0, 1.0, 0.0]])) == pytest.approx(found(torch.tensor([1])), rel=1e-6)


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_falls_as_the_label_gets_likelier(name: str):
    loss = LOSSES[name](StudentSettings(), torch.full((1, 3), math.nan))
    unlikely, likely = (
        loss(torch.tensor([[each, 0.0, 0.0]]), torch.tensor([0]), torch.tensor([0])).item() for each in (-3.0, 1.0)
    )
    assert likely < unlikely

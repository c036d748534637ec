"""A linear probe as the head to start from: fine-tuning then begins where the tuned encoder already is.

Linear probing before fine-tuning (Kumar et al. 2022, "Fine-tuning can distort pretrained features"). A fresh head would
spend its first steps pulling the contrastively tuned encoder out of shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from training.balance import balanced_each
from training.head import fit_head
from training.linear import fit_linear
from training.losses import Loss
from training.students.network import Network
from training.students.sequence_classification import SequenceClassifier
from training.students.text_head import text_head

BIAS = 10.0  # the largest that a head starts with: what has no text is unlikely, not impossible

Head = tuple[np.ndarray, np.ndarray]  # weight [columns, d] and bias [columns]
# of features [n, d], targets and weights [n]; targets: choices int [n, m], or how likely labels are float [n, labels]
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Head]


def can_probe(student: Network) -> bool:
    """Whether a head can be put into it."""
    return isinstance(student, SequenceClassifier) and text_head(student.model) is not None


def probe_head(student: Network, texts: Sequence[str], targets: np.ndarray, weights: Sequence[float], fit: Fit) -> None:
    """Set pooler and classifier of a student that `can_probe` to a linear head on its first tokens, in place.

    The pooler becomes a scaled identity, so small that its tanh is nearly linear. `targets` are as
    `Fit` takes them. Labels without a text start at bias -10.
    """
    head = text_head(student.model)
    if head is None:
        raise ValueError(f"a head can be put into BERT and RoBERTa alone; got {student.model.config.model_type}")
    vectors = student.features_of(student.encode(texts))
    scale = 1 / np.linalg.norm(vectors, axis=1).mean()
    weight, bias = fit(np.tanh(vectors * scale), targets, np.asarray(weights))
    with torch.no_grad():
        head.pooler.weight.copy_(torch.eye(vectors.shape[1]) * scale)
        head.pooler.bias.zero_()
        head.classifier.weight.copy_(torch.from_numpy(weight))
        head.classifier.bias.copy_(torch.from_numpy(np.clip(bias, -BIAS, BIAS)))


def logistic(student: Network, strength: float) -> Fit:
    """Logistic regression, of labels that go together one for each; `strength` is scikit-learn's C."""

    def fit(features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> Head:
        if student.link == "sigmoid":
            return _fit_each(features, targets, strength, weights)
        if targets.dtype.kind == "f":  # a text stands under each label that it may have
            places, labels = np.nonzero(targets)
            shares = weights[places] * targets[places, labels]
            return fit_head(features[places], labels, len(student.columns), strength, shares)
        return fit_head(features, targets[:, 0], len(student.columns), strength, weights)

    return fit


def by_loss(student: Network, loss: Loss) -> Fit:
    """A head that minimises a loss for wrong labels, to which a regression would fit itself."""

    def fit(features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> Head:
        device, soft = student.model.device, targets.dtype.kind == "f"
        if student.link == "sigmoid":
            weights = balanced_each(targets, weights).flatten()
        elif not soft:
            weights = np.repeat(weights, targets.shape[1])
        weight, bias = fit_linear(
            loss,
            torch.from_numpy(features).float().to(device),
            torch.from_numpy(targets if soft else targets.flatten()).to(device),
            torch.from_numpy(weights).float().to(device),
            len(student.columns),
            student.choices,
        )
        return weight.cpu().numpy(), bias.cpu().numpy()

    return fit


def _fit_each(features: np.ndarray, targets: np.ndarray, strength: float, weights: np.ndarray) -> Head:
    """A regression for each label, of `targets` 0 or 1 [n, labels]; one that all texts or none have gets a bias.

    Texts with a label count as much together as those without, as for the judge.
    """
    heads = []
    for column, counts in zip(targets.T, balanced_each(targets, weights).T, strict=True):
        weight, bias = fit_head(features, column, 2, strength, counts)
        heads.append((weight[1] - weight[0], bias[1] - bias[0]))
    return np.array([weight for weight, _ in heads]), np.array([bias for _, bias in heads])

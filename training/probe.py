"""A linear probe as the head to start from: fine-tuning then begins where the tuned encoder already is.

Linear probing before fine-tuning (Kumar et al. 2022, "Fine-tuning can distort pretrained features"). A fresh head would
spend its first steps pulling the contrastively tuned encoder out of shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from training.contrastive import fit_head
from training.students.sequence_classification import SequenceClassifier

BIAS = 10.0  # the largest that a head starts with: what has no text is unlikely, not impossible


def probe_head(
    student: SequenceClassifier,
    texts: Sequence[str],
    targets: Sequence[Sequence[int]],
    weights: Sequence[float],
    strength: float,
) -> bool:
    """Set pooler and classifier of a BERT-like student to a logistic regression on its first tokens, in place.

    The pooler becomes a scaled identity, so small that its tanh is nearly linear. `targets` are the choices
    of each text, `strength` is scikit-learn's C. Labels without a text start at bias -10. False, and nothing done, when
    the model has no pooler of this kind.
    """
    bert = getattr(student.model, "bert", None)
    if bert is None or bert.pooler is None:
        return False
    vectors = student.first_tokens(texts)
    scale = 1 / np.linalg.norm(vectors, axis=1).mean()
    features, right, counts = np.tanh(vectors * scale), np.asarray(targets), np.asarray(weights)
    if student.link == "sigmoid":
        weight, bias = _fit_each(features, right, strength, counts)
    else:
        weight, bias = fit_head(features, right[:, 0], student.model.config.num_labels, strength, counts)
    with torch.no_grad():
        bert.pooler.dense.weight.copy_(torch.eye(vectors.shape[1]) * scale)
        bert.pooler.dense.bias.zero_()
        student.model.classifier.weight.copy_(torch.from_numpy(weight))
        student.model.classifier.bias.copy_(torch.from_numpy(np.clip(bias, -BIAS, BIAS)))
    return True


def _fit_each(
    features: np.ndarray, targets: np.ndarray, strength: float, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A regression for each label, of `targets` 0 or 1 [n, labels]; one that all texts or none have gets a bias."""
    heads = []
    for column in targets.T:
        weight, bias = fit_head(features, column, 2, strength, weights)
        heads.append((weight[1] - weight[0], bias[1] - bias[0]))
    return np.array([weight for weight, _ in heads]), np.array([bias for _, bias in heads])

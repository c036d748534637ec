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


def probe_head(
    student: SequenceClassifier,
    texts: Sequence[str],
    targets: Sequence[int],
    weights: Sequence[float],
    strength: float,
) -> bool:
    """Set pooler and classifier of a BERT-like student to a logistic regression on its first tokens, in place.

    The pooler becomes a scaled identity, so small that its tanh is nearly linear. `targets` are label numbers,
    `strength` scikit-learn's C. Labels without a text start at bias -10. False, and nothing done, when the model has
    no pooler of this kind.
    """
    bert = getattr(student.model, "bert", None)
    if bert is None or bert.pooler is None:
        return False
    vectors = student.first_tokens(texts)
    scale = 1 / np.linalg.norm(vectors, axis=1).mean()
    labels = student.model.config.num_labels
    weight, bias = fit_head(np.tanh(vectors * scale), np.asarray(targets), labels, strength, np.asarray(weights))
    with torch.no_grad():
        bert.pooler.dense.weight.copy_(torch.eye(vectors.shape[1]) * scale)
        bert.pooler.dense.bias.zero_()
        student.model.classifier.weight.copy_(torch.from_numpy(weight))
        student.model.classifier.bias.copy_(torch.from_numpy(np.maximum(bias, -10.0)))
    return True

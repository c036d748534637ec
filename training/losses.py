"""The two losses: weighted cross-entropy for the student, the pairwise cosine loss for the judge."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def weighted_cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor, smoothing: float = 0.0, total_weight: float | None = None
) -> Tensor:
    """Σ w·CE / Σ w: scalar from logits [n, k], labels int64 [n] and non-negative weights [n].

    `smoothing` moves that share of the target evenly over all k labels. `total_weight` replaces Σ w where the
    batch is one rank's slice of a larger one. All weights 0 give loss 0 with zero gradients.
    """
    losses = cross_entropy(logits.float(), labels, reduction="none", label_smoothing=smoothing)
    total = float(weights.sum()) if total_weight is None else total_weight
    return (losses * weights).sum() / (total or 1.0)


def pairwise_cosine_loss(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Squared error of the cosine of every in-batch pair against 1 (same label) or 0 (different), a scalar.

    embeddings [n, d] of any length, labels [n]; or bool [n, k] of texts with several of k labels, whose pairs are held
    against the share of their labels that both have. Same (overlapping) and different pairs count half each, however
    many there are of a kind; a text is not paired with itself. It is SetFit's loss (Tunstall et al. 2022), with n texts
    encoded once for n(n-1)/2 pairs instead of twice for each pair. A batch without pairs gives 0.
    """
    unit = normalize(embeddings.float(), dim=-1)
    alike = (labels[:, None] == labels[None, :]).float() if labels.ndim == 1 else _overlap(labels.float())
    same = alike > 0
    errors = (unit @ unit.T - alike).square()
    above = torch.ones_like(same).triu(1)
    kinds = [errors[pairs] for pairs in (above & same, above & ~same) if pairs.any()]
    return torch.stack([kind.mean() for kind in kinds]).mean() if kinds else errors.sum() * 0


def _overlap(members: Tensor) -> Tensor:
    """The Jaccard similarity of every two sets of labels, [n, n]."""
    both, sizes = members @ members.T, members.sum(1)
    return both / (sizes[:, None] + sizes[None, :] - both)

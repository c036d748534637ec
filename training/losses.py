"""One table of what a student may minimise, and the judge's pairwise loss.

A loss is taken for each *choice* (training/students/network.py): logits [m, ways], its target, and its place among all
choices of the training rows int64 [m], by which some losses remember. Targets are the right ones int64 [m], or how
likely each is to be the right one, float32 [m, ways]: then a loss is the mean over what may be right. A batch's loss is
their weighted mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, normalize

from training.settings import StudentSettings


class Loss(ABC):
    """What one choice costs. `state` is what it has to remember from step to step, for checkpoints."""

    def __init__(self) -> None:
        self.state: dict[str, Tensor] = {}

    @abstractmethod
    def __call__(self, logits: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        """float32 [m]."""


class CrossEntropy(Loss):
    """`smoothing` moves that share of the target evenly over all ways (Szegedy et al. 2016)."""

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        self.smoothing = smoothing

    def __call__(self, logits: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        return cross_entropy(logits.float(), targets, reduction="none", label_smoothing=self.smoothing)


class SoftLabels(Loss):
    """A teacher's distribution beside the label (Hinton et al. 2015): share · T² · KL + (1 - share) · cross-entropy.

    `teacher` float [all choices, ways]: its probabilities; NaN where it has none, which leaves cross-entropy alone.
    """

    def __init__(self, teacher: Tensor, share: float, temperature: float) -> None:
        super().__init__()
        self.temperature, self.share = temperature, share
        self.teacher = log_softmax(teacher.clamp(min=1e-8).log() / temperature, dim=-1)

    def __call__(self, logits: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        hard = cross_entropy(logits.float(), targets, reduction="none")
        teacher = self.teacher[places]
        known = ~teacher.isnan().any(dim=-1)
        mine = log_softmax(logits.float() / self.temperature, dim=-1)
        told = torch.where(known[:, None], teacher, mine.detach())
        soft = kl_div(mine, told, reduction="none", log_target=True).sum(dim=-1) * self.temperature**2
        return torch.where(known, self.share * soft + (1 - self.share) * hard, hard)


class Generalised(Loss):
    """(1 - p^q) / q of the label's probability (Zhang & Sabuncu 2018): cross-entropy at q -> 0, absolute error at 1."""

    def __init__(self, q: float) -> None:
        super().__init__()
        self.q = q

    def __call__(self, logits: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        likely = log_softmax(logits.float(), dim=-1)
        if targets.is_floating_point():
            return (targets * -torch.expm1(self.q * likely)).sum(dim=-1) / self.q
        return -torch.expm1(self.q * likely.gather(1, targets[:, None])[:, 0]) / self.q


class EarlyLearning(Loss):
    """Cross-entropy + strength · log(1 - <t, p>), t the running mean of the student's own p (Liu et al. 2020).

    What was learnt early, before wrong labels are memorised, keeps its pull. `memory` is the weight of the past in t,
    which all ranks see. Of `like` [all choices, ways] only shape and device matter.
    """

    def __init__(self, like: Tensor, memory: float, strength: float) -> None:
        super().__init__()
        self.memory, self.strength = memory, strength
        self.state = {"running": torch.zeros_like(like)}

    def __call__(self, logits: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        likely = logits.float().softmax(dim=-1).clamp(1e-4, 1 - 1e-4)
        running = self.state["running"]
        for others, seen in _of_all_ranks(places, likely.detach()):
            fresh = seen / seen.sum(dim=-1, keepdim=True)
            running[others] = self.memory * running[others] + (1 - self.memory) * fresh
        agreed = (running[places] * likely).sum(dim=-1)
        return cross_entropy(logits.float(), targets, reduction="none") + self.strength * torch.log1p(-agreed)


Make = Callable[[StudentSettings, Tensor], Loss]  # `teacher` [all choices, ways], NaN where there is none
LOSSES: dict[str, Make] = {
    "cross_entropy": lambda settings, teacher: CrossEntropy(),
    "label_smoothing": lambda settings, teacher: CrossEntropy(settings.label_smoothing),
    "soft_labels": lambda settings, teacher: SoftLabels(teacher, settings.soft_share, settings.soft_temperature),
    "generalised": lambda settings, teacher: Generalised(settings.generalised_q),
    "early_learning": lambda settings, teacher: EarlyLearning(teacher, settings.early_memory, settings.early_strength),
}


def weighted_mean(losses: Tensor, weights: Tensor, total_weight: float | None = None) -> Tensor:
    """Σ w·loss / Σ w of losses and non-negative weights, both [m].

    `total_weight` replaces Σ w where the batch is one rank's slice of a larger one. All weights 0 give loss 0 with zero
    gradients.
    """
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


def _of_all_ranks(places: Tensor, values: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What each rank has, in the order of ranks. A collective call: every rank makes it at the same step."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [(places, values)]
    gathered: list[tuple[Tensor, Tensor]] = [(places, values)] * dist.get_world_size()
    dist.all_gather_object(gathered, (places.cpu(), values.cpu()))
    return [(other.to(places.device), seen.to(values.device)) for other, seen in gathered]

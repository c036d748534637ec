"""The judge: a contrastively tuned encoder with a logistic head, from seeds alone.

Follows SetFit (Tunstall et al. 2022, "Efficient few-shot learning without prompts"), but a step encodes one
balanced batch and compares all its pairs. Dropout stays off: it costs a quarter of a step and gained nothing. The tuned
weights are averaged with those they started from (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"): a
handful of seeds pulls the encoder too far from what it knew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from scipy.special import softmax

from generation.location import Location
from training.balance import balancing
from training.device import CPU, mixed_precision
from training.encoder import Encoder
from training.folders import atomic_folder
from training.head import fit_head, sharpen
from training.losses import pairwise_cosine_loss
from training.optimiser import make_optimiser, rate_factor, set_rate
from training.plain import Plain, fit_plain
from training.settings import StudentSettings

BATCH = 24
PER_LABEL = 3  # fewest texts of a label in a batch: one gives no pair of the same label
HEAD_FILE, LABELS_FILE = "head.safetensors", "labels.json"

Seed = tuple[str, str]  # text and label


class Judge:
    """Label probabilities from a tuned encoder; `labels` is the order of its columns."""

    def __init__(self, encoder: Encoder, labels: list[str], weight: np.ndarray, bias: np.ndarray) -> None:
        self.encoder, self.labels = encoder, labels
        self._weight, self._bias = weight, bias

    @classmethod
    def load(cls, folder: Path | str) -> Judge:
        """Read what `tune_judge` wrote."""
        head = load_file(Path(folder) / HEAD_FILE)
        return cls(Encoder.load(folder), read_labels(folder), head["weight"], head["bias"])

    @classmethod
    def load_plain(cls, folder: Path | str, encoder_folder: Path | str, max_length: int) -> Judge:
        """The plain opinion beside a judge, which needs the encoder that the judge was tuned from."""
        plain = Plain.read(Path(folder))
        return cls(Encoder.load(encoder_folder, max_length), read_labels(folder), plain.weight, plain.bias)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """float64 [n, len(labels)], rows sum to 1; a label that had no seeds gets 0."""
        return self.from_embeddings(self.encoder.embed(texts))

    def from_embeddings(self, embeddings: np.ndarray) -> np.ndarray:
        """The same from vectors [n, d] that `encoder.embed` gave."""
        return softmax(embeddings.astype(np.float64) @ self._weight.T + self._bias, axis=1)


def read_labels(folder: Path | str) -> list[str]:
    """The labels of the judge in a folder, in the order of its columns."""
    return json.loads((Path(folder) / LABELS_FILE).read_text())


def is_judge(folder: Path | str) -> bool:
    """Whether a folder holds a judge, and not a plain encoder."""
    return (Path(folder) / HEAD_FILE).is_file()


def tune_judge(
    seeds: Sequence[Seed],
    labels: Sequence[str],
    settings: StudentSettings,
    folder: Location,
    init_folder: Path | str,
    guideline: Sequence[Seed] = (),
    device: torch.device = CPU,
) -> Judge:
    """Tune the encoder in `init_folder` on `seeds` and write encoder, tokenizer, head and labels into `folder`.

    The head learns from the label descriptions in `guideline` too; labels count alike, however many seeds they have.
    The plain opinion (training/plain.py) is written
    beside it. Raises ValueError when there are no seeds or one has
    an unknown label.
    """
    targets = _targets(seeds, labels)
    encoder = Encoder.load(init_folder, settings.max_length).to(device)
    before = {name: weights.detach().clone() for name, weights in encoder.named_parameters()}
    plain = plain_of(encoder, seeds, guideline, labels, settings)
    tune_encoder(encoder, [text for text, _ in seeds], targets, settings)
    average_with(encoder, before, settings.judge_share)
    return write_judge(encoder, [*seeds, *guideline], labels, settings, folder, plain)


def plain_of(
    encoder: Encoder, seeds: Sequence[Seed], guideline: Sequence[Seed], labels: Sequence[str], settings: StudentSettings
) -> Plain:
    """The plain opinion of an encoder that is not tuned yet."""
    texts = [*seeds, *guideline]
    vectors = encoder.embed([text for text, _ in texts])
    return fit_plain(vectors, _targets(texts, labels), len(labels), len(seeds), settings.judge_c)


def write_judge(
    encoder: Encoder,
    seeds: Sequence[Seed],
    labels: Sequence[str],
    settings: StudentSettings,
    folder: Location,
    plain: Plain | None = None,
) -> Judge:
    """Fit the head of a tuned encoder on `seeds` and write both into `folder`, with the plain opinion if any."""
    targets = _targets(seeds, labels)
    embeddings = encoder.embed([text for text, _ in seeds])
    head = fit_head(embeddings, targets, len(labels), settings.judge_c, balancing(targets))
    weight, bias = sharpen(*head, embeddings)
    with atomic_folder(folder) as scratch:
        encoder.save(scratch)
        save_file({"weight": weight, "bias": bias}, scratch / HEAD_FILE)
        if plain is not None:
            plain.write(scratch)
        (scratch / LABELS_FILE).write_text(json.dumps(list(labels), ensure_ascii=False, indent=1))
    return Judge(encoder, list(labels), weight, bias)


def tune_encoder(encoder: Encoder, texts: Sequence[str], targets: np.ndarray, settings: StudentSettings) -> list[float]:
    """Pull texts of the same label together, in place; returns the loss of each step.

    `targets` are the places of labels [n], or bool [n, labels] of texts with several.
    Both poolings are tuned: the mean, which judge and student read, and the first token, which an encoder without a
    mean layer (training/students) leaves to its student. Word embeddings stay frozen: two thirds of MiniLM's weights,
    of which a handful of seeds touches few.
    """
    ids = encoder.tokenizer.ids(texts)
    encoder.model.get_input_embeddings().requires_grad_(False)
    optimiser = make_optimiser(encoder)
    generator = np.random.default_rng(settings.seed)
    device = encoder.model.device
    losses = []
    for step in range(settings.judge_steps):
        chosen = balanced_batch(generator, targets)
        set_rate(optimiser, settings.judge_learning_rate * rate_factor(step, settings.judge_steps))
        labels = torch.from_numpy(targets[chosen]).to(device)
        batch = encoder.tokenizer.batch([ids[index] for index in chosen]).to(device)
        with mixed_precision(device):
            hidden = encoder(batch)
        loss = pairwise_cosine_loss(batch.mean(hidden), labels) + pairwise_cosine_loss(batch.first(hidden), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def average_with(encoder: Encoder, before: Mapping[str, torch.Tensor], share: float) -> None:
    """Move an encoder back towards the weights `before`, in place: `share` of its own are kept."""
    for name, weights in encoder.named_parameters():
        weights.lerp_(before[name].to(weights.device), 1 - share)


def balanced_batch(generator: np.random.Generator, targets: np.ndarray, size: int = BATCH) -> np.ndarray:
    """Places of about `size` texts: up to size/3 labels at random, equally many texts of each, none twice.

    A text with several labels is taken for the first of them.
    """
    members = targets if targets.ndim == 2 else targets[:, None] == np.arange(targets.max() + 1)
    present = generator.permutation(np.flatnonzero(members.any(axis=0)))[: max(2, size // PER_LABEL)]
    share, left, chosen = -(-size // len(present)), np.full(len(members), True), []
    for label in present:
        chosen.append(generator.permutation(np.flatnonzero(members[:, label] & left))[:share])
        left[chosen[-1]] = False
    return np.concatenate(chosen)[:size]


def _targets(seeds: Sequence[Seed], labels: Sequence[str]) -> np.ndarray:
    if not seeds:
        raise ValueError("the judge needs at least one seed; got none")
    places = {label: place for place, label in enumerate(labels)}
    if unknown := sorted({label for _, label in seeds} - places.keys()):
        raise ValueError(f"seeds must carry one of the labels {list(labels)}; got {unknown}")
    return np.array([places[label] for _, label in seeds])

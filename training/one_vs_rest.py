"""The judge of texts with several labels: the same tuned encoder with a head for each label, one against the rest.

SetFit's head for several labels (Tunstall et al. 2022). Texts are pulled together as far as their labels overlap. The
heads are scaled together, so that seeds get SEED_CONFIDENCE for their own labels on average.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from generation.location import Location
from training.contrastive import LABELS_FILE, average_with, read_labels, tune_encoder
from training.device import CPU
from training.encoder import Encoder
from training.folders import atomic_folder
from training.head import SCALES, SEED_CONFIDENCE
from training.settings import StudentSettings

HEADS_FILE = "heads.safetensors"

Seed = tuple[str, Sequence[str]]  # text and labels


class SetJudge:
    """The probability of each label from a tuned encoder; `labels` is the order of its columns."""

    def __init__(self, encoder: Encoder, labels: list[str], weight: np.ndarray, bias: np.ndarray) -> None:
        self.encoder, self.labels = encoder, labels
        self._weight, self._bias = weight, bias

    @classmethod
    def load(cls, folder: Path | str) -> SetJudge:
        """Read what `tune_set_judge` wrote."""
        heads = load_file(Path(folder) / HEADS_FILE)
        return cls(Encoder.load(folder), read_labels(folder), heads["weight"], heads["bias"])

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """float64 [n, len(labels)], each by itself from 0 to 1; a label that had no seeds gets 0."""
        return expit(self.encoder.embed(texts).astype(np.float64) @ self._weight.T + self._bias)


def tune_set_judge(
    seeds: Sequence[Seed],
    labels: Sequence[str],
    settings: StudentSettings,
    folder: Location,
    init_folder: Path | str,
    guideline: Sequence[Seed] = (),
    device: torch.device = CPU,
) -> SetJudge:
    """Tune the encoder in `init_folder` on `seeds` and write encoder, tokenizer, heads and labels into `folder`.

    The heads learn from the label descriptions in `guideline` too. Raises ValueError when there are no seeds or one has
    an unknown label.
    """
    encoder = Encoder.load(init_folder, settings.max_length).to(device)
    before = {name: weights.detach().clone() for name, weights in encoder.named_parameters()}
    tune_encoder(encoder, [text for text, _ in seeds], memberships(seeds, labels), settings)
    average_with(encoder, before, settings.judge_share)
    rows = [*seeds, *guideline]
    members, embeddings = memberships(rows, labels), encoder.embed([text for text, _ in rows])
    weight, bias = sharpen_heads(*fit_heads(embeddings, members, settings.judge_c), embeddings, members)
    with atomic_folder(folder) as scratch:
        encoder.save(scratch)
        save_file({"weight": weight, "bias": bias}, scratch / HEADS_FILE)
        (scratch / LABELS_FILE).write_text(json.dumps(list(labels), ensure_ascii=False, indent=1))
    return SetJudge(encoder, list(labels), weight, bias)


def fit_heads(embeddings: np.ndarray, members: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """A logistic regression of each label, weight [labels, d] and bias [labels]; `members` is bool [n, labels].

    Texts with a label count as much together as those without, so that .5 divides them. A label that no text has gets
    bias -inf, one that all have inf.
    """
    weight = np.zeros((members.shape[1], embeddings.shape[1]))
    bias = np.where(members.all(axis=0), np.inf, -np.inf)
    for place, column in enumerate(members.T):
        if 0 < column.sum() < len(column):
            head = LogisticRegression(C=strength, max_iter=1000, class_weight="balanced").fit(embeddings, column)
            weight[place], bias[place] = head.coef_[0], head.intercept_[0]
    return weight, bias


def sharpen_heads(
    weight: np.ndarray, bias: np.ndarray, embeddings: np.ndarray, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Heads scaled so that the mean probability of the texts' own labels is SEED_CONFIDENCE."""
    own = (embeddings.astype(np.float64) @ weight.T + bias)[members]

    def excess(scale: float) -> float:
        return float(expit(scale * own).mean()) - SEED_CONFIDENCE

    if excess(SCALES[0]) > 0 or excess(SCALES[1]) < 0:  # seeds that say the same under other labels
        return weight, bias
    scale = brentq(excess, *SCALES)
    return scale * weight, scale * bias


def memberships(seeds: Sequence[Seed], labels: Sequence[str]) -> np.ndarray:
    """Which text has which label, bool [n, labels]. Raises ValueError."""
    if not seeds:
        raise ValueError("the judge needs at least one seed; got none")
    if unknown := sorted({name for _, names in seeds for name in names} - set(labels)):
        raise ValueError(f"seeds must carry labels of {list(labels)}; got {unknown}")
    return np.array([[label in names for label in labels] for _, names in seeds])

"""The plain opinion: what the seeds say of a text by the encoder as it was before the judge was tuned.

A second judge that makes other mistakes, and the one that seeds can be asked about: a tuned encoder knows them by
heart, whatever its head is fitted on, so that only here leaving seeds out tells how often such an opinion is right.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load, save_file
from scipy.special import softmax

from generation.location import Location
from training.balance import balancing
from training.head import fit_head, sharpen

PLAIN_FILE = "plain.safetensors"
_FOLDS = 5


class Plain(NamedTuple):
    """A head [labels, d], and what it would say of the seeds had it not seen them: `probabilities` [m, labels].

    Their true labels are `targets` [m]. Seeds whose label has no other text are left out.
    """

    weight: np.ndarray
    bias: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray

    @classmethod
    def read(cls, folder: Location) -> Plain:
        """What `write` left in the folder of a judge. Raises FileNotFoundError."""
        return cls(**load((folder / PLAIN_FILE).read_bytes()))

    def write(self, folder: Path) -> None:
        save_file({name: np.ascontiguousarray(value) for name, value in self._asdict().items()}, folder / PLAIN_FILE)


def fit_plain(embeddings: np.ndarray, targets: np.ndarray, labels: int, seeds: int, strength: float) -> Plain:
    """From unit vectors [n, d] of seeds and, after the first `seeds`, of the guideline, and their label numbers [n]."""
    weight, bias = fit_head(embeddings, targets, labels, strength, balancing(targets))
    sharp, sharp_bias = sharpen(weight, bias, embeddings)
    scale = float(np.linalg.norm(sharp) / np.linalg.norm(weight)) if weight.any() else 1.0
    folds = _stratified(targets[:seeds])
    found = np.full((seeds, labels), np.nan)
    for fold in range(_FOLDS):
        out = np.flatnonzero(folds == fold)
        known = np.setdiff1d(np.arange(len(targets)), out)
        out = out[np.isin(targets[out], targets[known])]
        if len(out):
            part, part_bias = fit_head(embeddings[known], targets[known], labels, strength, balancing(targets[known]))
            found[out] = softmax(scale * (embeddings[out].astype(np.float64) @ part.T + part_bias), axis=1)
    asked = np.flatnonzero(np.isfinite(found).all(axis=1))
    return Plain(sharp, sharp_bias, found[asked], targets[asked])


def _stratified(targets: np.ndarray) -> np.ndarray:
    """The fold of each seed: those of a label go to all folds in turn."""
    folds = np.zeros(len(targets), np.int64)
    for label in np.unique(targets):
        places = np.flatnonzero(targets == label)
        folds[places] = np.arange(len(places)) % _FOLDS
    return folds

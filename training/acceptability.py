"""A small model of which explanations people accept: the filter of Wiegreffe et al. 2022, on a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
_STRENGTH = 0.01  # of 400 numbers and some dozens of votes
Embed = Callable[[Sequence[str]], np.ndarray]


def features(
    texts: Sequence[str], labels: Sequence[str], explanations: Sequence[str], mean_logprob: np.ndarray, embed: Embed
) -> np.ndarray:
    """What the model sees of n explanations, float64 [n, d]: their meaning, how near it is to the text's and to the
    label's, how much of the text they repeat, how long they are, and how likely the LM found them.
    """
    told, text, label = (np.asarray(embed(list(each)), np.float64) for each in (explanations, texts, labels))
    words = [set(each.lower().split()) for each in explanations]
    shared = [
        len(mine & set(other.lower().split())) / max(len(mine), 1) for mine, other in zip(words, texts, strict=True)
    ]
    lengths = np.log1p([len(each.split()) for each in explanations])
    near = (_cosine(told, text), _cosine(told, label))
    return np.column_stack([told, *near, shared, lengths, np.asarray(mean_logprob, np.float64)])


def fit(rows: np.ndarray, accepted: np.ndarray) -> Any:
    """The model of features [n, d] and votes bool [n], with `predict_proba`. Both kinds of votes must be there."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=1000)).fit(rows, accepted)


def out_of_fold(rows: np.ndarray, accepted: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Probabilities of being accepted, float64 [n], each by a model that has seen no explanation of the same group.

    Where a fold's others are all of one kind, that kind's share stands for all.
    """
    found = np.full(len(accepted), float(np.mean(accepted)))
    folds = min(FOLDS, len(np.unique(groups)))
    if folds < 2:
        return found
    for seen, unseen in GroupKFold(folds).split(rows, accepted, groups):
        if len(np.unique(accepted[seen])) == 2:
            found[unseen] = fit(rows[seen], accepted[seen]).predict_proba(rows[unseen])[:, 1]
    return found


def _cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.sum(one * other, axis=1) / np.maximum(norms, 1e-12)

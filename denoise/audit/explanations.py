"""Which explanation of a row to take, and how often that is one that people accept (Wiegreffe et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ACCEPTED = 2 / 3  # the share of votes that makes an explanation acceptable


@dataclass(frozen=True)
class Explanations:
    """n explanations: `row` int [n] says of which row, `greedy` bool [n], `mean_logprob` float64 [n].

    `votes` float64 [n] is the share of people who accept one, NaN where none has voted.
    """

    row: np.ndarray
    greedy: np.ndarray
    mean_logprob: np.ndarray
    votes: np.ndarray

    @property
    def voted(self) -> np.ndarray:
        """Whether anybody has voted on each, bool [n]."""
        return ~np.isnan(self.votes)

    @property
    def accepted(self) -> np.ndarray:
        """Whether people accept each, bool [n]; False where nobody has voted."""
        return np.nan_to_num(self.votes, nan=0.0) >= ACCEPTED - 1e-9


@dataclass(frozen=True)
class SelectionAccuracy:
    """Over `rows` of which all explanations were voted on: how often each way of choosing takes an acceptable one.

    `model` is None where there is no acceptability model.
    """

    rows: int
    random: float
    greedy: float
    lowest_nll: float
    model: float | None
    oracle: float


def selection_accuracy(told: Explanations, scores: np.ndarray | None = None) -> SelectionAccuracy | None:
    """`scores` are the model's of each explanation, float64 [n], from folds that have not seen its row.

    None where no row has all of its explanations voted on.
    """
    groups = [each for each in groups_of(told.row) if told.voted[each].all() and told.greedy[each].any()]
    if not groups:
        return None
    good = told.accepted

    def taking(value: np.ndarray) -> float:
        return float(np.mean([good[each[int(value[each].argmax())]] for each in groups]))

    return SelectionAccuracy(
        rows=len(groups),
        random=float(np.mean([good[each].mean() for each in groups])),
        greedy=taking(told.greedy.astype(float)),
        lowest_nll=taking(told.mean_logprob),
        model=None if scores is None else taking(scores),
        oracle=float(np.mean([good[each].any() for each in groups])),
    )


def best_of_rows(told: Explanations, scores: np.ndarray) -> np.ndarray:
    """The place of each row's explanation with the highest score, int64 [rows], ascending by row."""
    return np.array([each[int(scores[each].argmax())] for each in groups_of(told.row)], np.int64)


def groups_of(row: np.ndarray) -> list[np.ndarray]:
    """Places of each row's explanations, rows ascending."""
    order = np.argsort(row, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(row[order])) + 1) if len(row) else []

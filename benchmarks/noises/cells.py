"""One cell of planted noise: what finds the wrong labels, and what a student is worth after cleaning."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from denoise.noise.calibration import Calibration, Evidence
from denoise.noise.confident import confident_errors, self_confidence
from denoise.noise.decision import TARGET, decide
from denoise.noise.dynamics import area_under_margin, confidence, forgetting
from denoise.noise.folds import fold_of
from denoise.noise.neighbours import neighbour_disagreement
from denoise.noise.out_of_fold import Rows, head_probabilities, out_of_fold
from denoise.noise.self_taught import self_taught
from denoise.noise.soft import soft_rows
from noises.planted import plant
from training.dynamics import epoch_probabilities

AS_THEY_ARE = Calibration((1.0,), 0.0)  # the channel has the given label in it


@dataclass(frozen=True)
class Part:
    """A part of a real set: unit vectors and label numbers of train and test rows, and ids of the train rows."""

    name: str
    labels: int
    vectors: np.ndarray
    true: np.ndarray
    ids: list[str]
    test: np.ndarray
    test_true: np.ndarray

    def accuracy(self, rows: Rows) -> float:
        """Percent of the test rows that a linear head on `rows` labels right."""
        guesses = head_probabilities(rows, self.test, self.labels).argmax(axis=1)
        return 100 * float(np.mean(guesses == self.test_true))


@dataclass(frozen=True)
class Found:
    """A measured thing: of a way to find wrong labels, `auroc`, `precision` and `recall` (nan: it only ranks), and the
    student's `accuracy` after it (nan: it does not clean). `seconds` leave out the first opinion of the
    ways that share one.
    """

    way: str
    auroc: float = float("nan")
    precision: float = float("nan")
    recall: float = float("nan")
    accuracy: float = float("nan")
    seconds: float = float("nan")


def measure(part: Part, kind: str, share: float, seed: int) -> Iterator[Found]:
    """All ways on one planting."""
    given = plant(kind, share, part.vectors, part.true, part.labels, seed)
    wrong = given != part.true
    rows, folds = Rows.alike(part.vectors, given), fold_of([f"{seed} {id}" for id in part.ids])
    opinion = out_of_fold(rows, folds, part.labels)
    yield Found("nothing", accuracy=part.accuracy(rows))
    yield Found("true labels", accuracy=part.accuracy(Rows.alike(part.vectors, part.true)))
    left = np.random.default_rng(seed).permutation(len(given))[round(share * len(given)) :]
    yield Found("random removal", accuracy=part.accuracy(rows.chosen(left)))
    yield _cleaned("cleanlab", part, rows, wrong, lambda: _cleanlab(given, opinion))
    yield _cleaned(
        "confident learning",
        part,
        rows,
        wrong,
        lambda: (confident_errors(opinion, given), -self_confidence(opinion, given)),
    )
    yield from _ranked(part, given, wrong)
    yield from _labelmill(part, rows, folds, wrong)


def _cleanlab(given: np.ndarray, opinion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The library's defaults: which rows are issues, and how bad each is."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    return find_label_issues(given, opinion), -get_label_quality_scores(given, opinion)


def _cleaned(
    way: str, part: Part, rows: Rows, wrong: np.ndarray, find: Callable[[], tuple[np.ndarray, np.ndarray]]
) -> Found:
    """A way that removes what it flags."""
    began = time.perf_counter()
    flagged, badness = find()
    seconds = time.perf_counter() - began
    return Found(way, *_finding(wrong, flagged, badness), part.accuracy(rows.chosen(~flagged)), seconds)


def _ranked(part: Part, given: np.ndarray, wrong: np.ndarray) -> Iterator[Found]:
    """Scores that only rank."""
    began = time.perf_counter()
    near = neighbour_disagreement(part.vectors, given, part.labels)
    yield Found("nearest neighbours", roc_auc_score(wrong, near), seconds=time.perf_counter() - began)
    began = time.perf_counter()
    epochs = epoch_probabilities(part.vectors, given, part.labels)
    seconds = time.perf_counter() - began
    scores = {
        "dynamics: confidence": -confidence(epochs, given),
        "dynamics: margin": -area_under_margin(epochs, given),
        "dynamics: forgetting": forgetting(epochs, given),
    }
    for way, badness in scores.items():
        yield Found(way, roc_auc_score(wrong, badness), seconds=seconds)


def _labelmill(part: Part, rows: Rows, folds: np.ndarray, wrong: np.ndarray) -> Iterator[Found]:
    """Self-taught labels and the decision; then the same with soft labels."""
    given = rows.targets
    began = time.perf_counter()
    posterior = self_taught(part.vectors, given, folds, part.labels)
    names = [str(label) for label in range(part.labels)]
    decided = decide(Evidence((posterior,), given), part.ids, names, AS_THEY_ARE, TARGET)
    seconds = time.perf_counter() - began
    final = np.array([int(each.label or 0) for each in decided])
    weights = np.array([each.weight for each in decided])
    finding = _finding(wrong, (final != given) | (weights == 0), 1 - self_confidence(posterior, given))
    kept = Rows(part.vectors, final, weights).chosen(weights > 0)
    yield Found("labelmill", *finding, part.accuracy(kept), seconds)
    soft = soft_rows(part.vectors, posterior, np.ones(len(given)))
    yield Found("labelmill, soft labels", accuracy=part.accuracy(soft))


def _finding(wrong: np.ndarray, flagged: np.ndarray, badness: np.ndarray) -> tuple[float, float, float]:
    """AUROC, precision and recall."""
    hits = float(np.sum(wrong & flagged))
    return float(roc_auc_score(wrong, badness)), hits / max(1, int(flagged.sum())), hits / max(1, int(wrong.sum()))

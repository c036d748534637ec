"""What the run's student says of texts, and suggestions ranked by it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from cluster.promotion import promoted_student
from cluster.review.loading import LOADING
from cluster.review.writing.bank import Suggestion
from cluster.store import Store
from generation.location import Location
from training.folders import local_folder

LIKELIHOOD, UNCERTAINTY, ADVERSARIAL, ALONE = "likelihood", "uncertainty", "adversarial", "alone"
RANKINGS = {
    LIKELIHOOD: "likeliest first",
    UNCERTAINTY: "what the student is least sure of",
    ADVERSARIAL: "what the student gets most wrong",
    ALONE: "no suggestions",
}


class StudentLike(Protocol):
    """What is asked of a student; `labels` is the order of the columns of `probabilities`, float [n, labels]."""

    labels: list[str]

    def probabilities(self, inputs: Sequence[str]) -> np.ndarray: ...


class Said(NamedTuple):
    """The student's label of a text and its confidence in it."""

    label: str
    confidence: float


class Opinion:
    """A student that is loaded when it is first asked, once."""

    def __init__(self, load: Callable[[], StudentLike]) -> None:
        self._load, self._student = load, None  # type: tuple[Callable[[], StudentLike], StudentLike | None]
        self._lock = threading.Lock()

    def of(self, text: str) -> Said:
        """What it says of one text."""
        labels, found = self._ask([text])
        best = int(found[0].argmax())
        return Said(labels[best], float(found[0, best]))

    def ranked(self, some: Sequence[Suggestion], label: str, ranking: str) -> list[str]:
        """Ids of suggestions, the most uncertain or the most adversarial first.

        Uncertainty is entropy. Adversarial ones are first those that the student takes for another label, then those in
        whose label it has least confidence: of the highest loss.
        """
        if not some:
            return []
        labels, found = self._ask([each.case.row["text"] for each in some])
        if ranking == UNCERTAINTY:
            order = np.argsort((found * np.log(found + 1e-12)).sum(axis=1), kind="stable")
        else:
            own = found[:, labels.index(label)] if label in labels else np.zeros(len(found))
            fools = np.array(labels)[found.argmax(axis=1)] != label
            order = np.lexsort((own, ~fools))
        return [some[place].id for place in order]

    def _ask(self, texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
        with self._lock:
            self._student = self._student or self._load()
            return self._student.labels, np.asarray(self._student.probabilities(texts), float)


def by_likelihood(some: Sequence[Suggestion]) -> list[str]:
    """Ids of suggestions by the LM's mean log-probability of a token, the highest first; those without one last."""

    def rank(each: Suggestion) -> tuple[float, str]:
        told = each.case.row["mean_logprob"]
        return (np.inf if told is None else -told), each.id

    return [each.id for each in sorted(some, key=rank)]


def _load(folder: Location) -> StudentLike:
    from training.runtimes import FILES, choose_runtime

    place = local_folder(folder)
    runtime = "int8" if (place / FILES["int8"]).is_file() else choose_runtime(place)
    with LOADING:
        from training.export import load_student  # loads torch, which takes seconds

        return load_student(place, runtime)


def opinion_of(store: Store, load: Callable[[Location], StudentLike] = _load) -> Opinion | None:
    """That of the promoted student, in eight bits where it was exported so; None: the run has no student yet."""
    folder = promoted_student(store)
    return Opinion(lambda: load(folder)) if folder else None

"""From several opinions on a row's label to one calibrated probability of each label.

A conditional logit (McFadden 1974) over labels: logit of label k = Σ over opinions of trust·log p(k), and `intended`
more if the row was made for k. A handful of numbers, so that a handful of rows with known labels can move them and none
at all leaves them where they were on other tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp

NONE = -1  # the intended label of a row that was made for none
SPREAD = 0.3  # prior standard deviation of a trust
SPREAD_INTENDED = 1.0  # and of what the intended label is worth
_LEAST = 1e-6


@dataclass(frozen=True)
class Evidence:
    """What is known of n rows: `opinions`, each float [n, labels] of probabilities, and `intended` numbers int [n]."""

    opinions: tuple[np.ndarray, ...]
    intended: np.ndarray

    def __len__(self) -> int:
        return len(self.intended)

    def joined(self, opinion: np.ndarray) -> Evidence:
        """With one opinion more."""
        return replace(self, opinions=(*self.opinions, opinion))

    def chosen(self, places: np.ndarray) -> Evidence:
        """Some of the rows."""
        return Evidence(tuple(each[places] for each in self.opinions), self.intended[places])


@dataclass(frozen=True)
class Calibration:
    """`trust` in each opinion, and what an intended label is worth."""

    trust: tuple[float, ...]
    intended: float

    def probabilities(self, evidence: Evidence) -> np.ndarray:
        """float64 [n, labels], rows sum to 1; a label that no opinion knows gets none."""
        return np.exp(log_softmax(self._logits(evidence), axis=1))

    def fitted(self, known: Sequence[tuple[Evidence, np.ndarray, float]]) -> Calibration:
        """The most likely calibration, this one being the centre of a normal prior.

        `known` are evidence, true labels int [n] and what each row of it counts.
        """
        known = [each for each in known if len(each[0])]
        if not known:
            return self
        centre = np.array([*self.trust, self.intended])
        spread = np.array([SPREAD] * len(self.trust) + [SPREAD_INTENDED])

        def loss(values: np.ndarray) -> float:
            tried = Calibration(tuple(values[:-1]), values[-1])
            rows = sum(weight * tried._surprise(evidence, true) for evidence, true, weight in known)
            return rows + float(np.sum(((values - centre) / spread) ** 2)) / 2

        found = minimize(loss, centre, method="L-BFGS-B", bounds=[(0.0, None)] * len(centre)).x
        return Calibration(tuple(found[:-1].tolist()), float(found[-1]))

    def _surprise(self, evidence: Evidence, true: np.ndarray) -> float:
        """-log likelihood of the true labels."""
        logits = self._logits(evidence)
        return float(np.sum(logsumexp(logits, axis=1) - logits[np.arange(len(true)), true]))

    def _logits(self, evidence: Evidence) -> np.ndarray:
        logits = sum(
            trust * np.log(np.maximum(opinion, _LEAST))
            for trust, opinion in zip(self.trust, evidence.opinions, strict=True)
        )
        logits = np.array(logits, np.float64)
        meant = np.flatnonzero(evidence.intended != NONE)
        logits[meant, evidence.intended[meant]] += self.intended
        return logits


# the most likely ones on generated rows of the tuning sets against an oracle's labels (docs/denoise.md)
ALONE = Calibration((2.0,), 0.8)  # the judge
PAIR = Calibration((0.8, 1.1), 0.35)  # the judge and the plain opinion


def seed_calibration(probabilities: np.ndarray, targets: np.ndarray) -> Calibration:
    """PAIR moved by what is said of seeds by heads that have not seen them: probabilities [m, labels], true labels [m].

    Only the plain opinion can be asked so. Where it may be trusted more, the judge may be too.
    """
    meant = np.full(len(targets), NONE)
    return PAIR.fitted([(Evidence((probabilities, probabilities), meant), targets, 1.0)])


def numbers_of(labels: Sequence[str | None], names: Sequence[str]) -> np.ndarray:
    """The place of each label among `names`, NONE for none; raises ValueError for an unknown one."""
    places: dict[str | None, int] = {name: place for place, name in enumerate(names)} | {None: NONE}
    if unknown := set(labels) - places.keys():
        raise ValueError(f"intended labels must be among {list(names)}; got {sorted(map(str, unknown))}")
    return np.array([places[label] for label in labels], np.int64)

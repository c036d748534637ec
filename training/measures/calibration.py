"""Whether confidences can be believed: temperature scaling, calibration error, risk against coverage."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

BINS = 15
_LOG_RANGE = (-3.0, 3.0)
_PRIOR = 0.5  # standard deviation of log T: a handful of rows that are all right must not make it sure of everything


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The T by which logits [m, ways] are divided for the likeliest `targets` int [m] (Guo et al. 2017).

    With a log-normal prior around 1, which a few dozen rows outweigh. 1 of no rows.
    """
    if not len(targets):
        return 1.0

    def cost(log_t: float) -> float:
        likely = log_softmax(logits / np.exp(log_t), axis=1)[np.arange(len(targets)), targets]
        return float(-likely.sum() + (log_t / _PRIOR) ** 2 / 2)

    return float(np.exp(minimize_scalar(cost, bounds=_LOG_RANGE, method="bounded").x))


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: the mean gap of confidence and accuracy, both [n], over BINS bins of confidence."""
    if not len(confidence):
        return 0.0
    return float(
        sum(abs(each["confidence"] - each["accuracy"]) * each["rows"] for each in reliability(confidence, right))
        / len(confidence)
    )


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """Rows, mean confidence and accuracy of each bin that has rows, from low to high: a reliability plot."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "rows": int((chosen := bins == each).sum()),
            "confidence": float(confidence[chosen].mean()),
            "accuracy": float(right[chosen].mean()),
        }
        for each in np.unique(bins)
    ]


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Accuracy on the surest share of rows, by share, and the area under the curve of risk (0 is best).

    Of equally sure rows the earlier one goes first.
    """
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(1.0 - right[order]) / np.arange(1, len(order) + 1)
    if not len(order):
        return {}
    shares = {
        f"{share:.0%}": float(1 - wrong[max(1, round(share * len(order))) - 1]) for share in (0.25, 0.5, 0.75, 0.9, 1)
    }
    return {**shares, "area": float(wrong.mean())}

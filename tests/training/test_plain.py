"""What the seeds say of each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from training.head import SEED_CONFIDENCE
from training.plain import Plain, fit_plain


def on_circle(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


VECTORS = on_circle([0, 5, 10, 80, 85, 90, 88])
TARGETS = np.array([0, 0, 0, 1, 1, 1, 0])  # the last says that it is of the other label


def test_a_seed_has_no_say_on_itself() -> None:
    plain = fit_plain(VECTORS, TARGETS, 3, len(TARGETS), 10.0)
    assert plain.targets.tolist() == TARGETS.tolist()
    assert plain.probabilities.argmax(axis=1).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert plain.probabilities[:, 2].tolist() == [0.0] * 7  # a label without seeds


def test_the_head_is_as_sure_of_its_seeds_as_a_judge() -> None:
    plain = fit_plain(VECTORS[:6], TARGETS[:6], 2, 6, 10.0)
    found = softmax(VECTORS[:6] @ plain.weight.T + plain.bias, axis=1)
    assert found.max(axis=1).mean() == pytest.approx(SEED_CONFIDENCE, abs=1e-4)


def test_guideline_texts_teach_and_are_not_asked_about() -> None:
    lone = fit_plain(VECTORS[2:4], TARGETS[2:4], 2, 2, 10.0)
    assert lone.probabilities.shape == (0, 2)  # nothing else says what their labels look like
    told = fit_plain(VECTORS[1:5], TARGETS[1:5], 2, 2, 10.0)
    assert told.targets.tolist() == [0, 0]


def test_the_file_gives_the_same(tmp_path: Path) -> None:
    plain = fit_plain(VECTORS, TARGETS, 2, len(TARGETS), 10.0)
    plain.write(tmp_path)
    again = Plain.read(tmp_path)
    assert all(np.array_equal(one, other) for one, other in zip(plain, again, strict=True))
    with pytest.raises(FileNotFoundError):
        Plain.read(tmp_path / "other")

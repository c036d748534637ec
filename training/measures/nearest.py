"""Which training rows lie nearest to a text, as a student sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.predict import Student
from training.students.network import Input, parts_of

MOST = 10_000  # rows that are looked through


def nearest(
    student: Student, inputs: Sequence[Input], among: Sequence[Input], count: int
) -> list[list[tuple[int, float]]]:
    """For each of `inputs` the places of the `count` most similar of `among`, the nearest first, with their cosine.

    By the mean of the last hidden states that the student's head reads. Only the first MOST of `among` are looked at.
    """
    if not len(inputs) or not len(among):
        return [[] for _ in inputs]
    similar = _vectors(student, inputs) @ _vectors(student, among[:MOST]).T
    order = np.argsort(-similar, axis=1, kind="stable")[:, :count]
    return [[(int(place), float(row[place])) for place in places] for row, places in zip(similar, order, strict=True)]


def _vectors(student: Student, inputs: Sequence[Input]) -> np.ndarray:
    """Unit vectors float64 [n, d]; of a text without marks, zeros."""
    encoded = student.classifier.encode(inputs)
    features = student.classifier.features_of(encoded)
    parts = parts_of(features, [len(each.marks) for each in encoded])
    means = np.array([part.mean(axis=0) if len(part) else np.zeros(features.shape[1]) for part in parts])
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)

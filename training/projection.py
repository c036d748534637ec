"""Embeddings on paper: near ones stay near, distances between far ones mean little."""

from __future__ import annotations

import numpy as np

FEW = 100  # so many texts or fewer are shown by their principal components
PERPLEXITY, STEPS = 30.0, 500


def project(vectors: np.ndarray, seed: int = 0) -> np.ndarray:
    """Places in [-1, 1] for unit vectors [n, d]: float64 [n, 2]; the same on the same machine.

    By t-SNE (van der Maaten and Hinton 2008), begun at the two principal components so that its picture is not one of
    many; 2,000 vectors take it some 4 s of one core. Of FEW or fewer, which are no neighbourhoods yet, the components.
    """
    if len(vectors) <= FEW:
        return _scaled(_components(vectors))
    from sklearn.manifold import TSNE

    model = TSNE(2, init=_components(vectors) * 1e-4, perplexity=PERPLEXITY, max_iter=STEPS, random_state=seed)
    return _scaled(model.fit_transform(vectors.astype(np.float32)))


def _components(vectors: np.ndarray) -> np.ndarray:
    """The two principal components, of standard deviation 1, each towards the side of its largest entry."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0) if len(vectors) else np.zeros((0, 2))
    if len(vectors) < 2:
        return np.zeros((len(vectors), 2))
    left, size, right = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(vectors), 2))
    for number in range(min(2, len(size))):
        if size[number] > 1e-9:
            side = np.sign(right[number][np.abs(right[number]).argmax()])
            found[:, number] = side * left[:, number] * np.sqrt(len(vectors))
    return found


def _scaled(places: np.ndarray) -> np.ndarray:
    """Centred between the outermost, and scaled by the wider side."""
    if not len(places):
        return np.zeros((0, 2))
    places = places.astype(np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - (low + high) / 2) / (max((high - low).max(), 1e-12) / 2)

"""Where meanings are compared: texts are embedded, and buckets of vectors compared, in Ray tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denoise.dedup.semantic import bucket_count, buckets_of, edges_of_buckets, label_thresholds
from generation.task import Example


class EncoderLike(Protocol):
    """A sentence encoder (training.encoder.Encoder)."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of length 1, float32 [n, d]."""


@dataclass(frozen=True)
class Meanings:
    """What loads the encoder on workers, and the rows kept earlier (`id`, `text`, `label`)."""

    load_encoder: Callable[[], EncoderLike]
    kept: pa.Table


def compare_meanings(
    rows: pa.Table, seeds: Sequence[Example], least: float, load_encoder: Callable[[], EncoderLike], block_rows: int
) -> np.ndarray:
    """Semantic edges of `rows` (`text`, `label`; in the total order), int64 [m, 2], each once.

    Rows without a text have none. `least` is a cosine similarity, raised for labels whose `seeds` are alike. A task
    loads the encoder and embeds `block_rows` texts, or compares buckets of about so many vectors. Needs an initialised
    Ray with one free CPU or more.
    """
    import ray

    if rows.num_rows < 2:
        return np.zeros((0, 2), np.int64)
    texts = [seed.text for seed in seeds] + pc.fill_null(rows["text"], "").to_pylist()
    vectors = embed(texts, load_encoder, block_rows)
    bars = label_thresholds(vectors[: len(seeds)], [seed.label for seed in seeds], least)
    asked = np.array([bars.get(label, least) for label in rows["label"].to_pylist()], np.float32)
    asked[pc.is_null(rows["text"]).to_numpy()] = np.inf
    vectors = vectors[len(seeds) :]
    count = bucket_count(len(vectors))
    parts = np.array_split(np.arange(count), min(count, 1 + len(vectors) // block_rows))
    shared = [ray.put(each) for each in (vectors, asked, buckets_of(vectors))]
    found = ray.get([_task(edges_of_buckets).remote(*shared, part.tolist()) for part in parts])
    return np.unique(np.concatenate(found), axis=0)


def embed(texts: Sequence[str], load_encoder: Callable[[], EncoderLike], block_rows: int) -> np.ndarray:
    """Vectors of one text or more in their order, float32 [n, d]."""
    import ray

    blocks = [texts[start : start + block_rows] for start in range(0, len(texts), block_rows)]
    return np.concatenate(ray.get([_task(_embed).remote(load_encoder, block) for block in blocks]))


def _embed(load_encoder: Callable[[], EncoderLike], texts: Sequence[str]) -> np.ndarray:
    return np.asarray(load_encoder().embed(texts), np.float32)


def _task(function: Callable[..., np.ndarray]) -> Any:
    import ray

    return ray.remote(num_cpus=1)(function)

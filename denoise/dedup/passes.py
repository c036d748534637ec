"""Passes of stars over all partitions until nothing changes; what a pass does to one is in stars.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from denoise.dedup.places import Place
from denoise.dedup.stars import (
    first_parents,
    gather,
    is_forest,
    large_star,
    parents_asked,
    partition_of,
    small_star,
    split,
)


def settle(place: Place, pieces: Sequence[Sequence[Any]], parts: int) -> tuple[list[Any], int]:
    """The links of each partition to the first texts of their components, and how many passes changed links.

    `pieces[k]` are handles to stars of some links by partition (see `stars_by_partition`); so are the results to each
    partition's links, by text.
    """
    every, passes = range(parts), 0
    while True:
        made = [place.call(_gather, parts + 2, parts, *(each[part] for each in pieces)) for part in every]
        links, asked = [each[1] for each in made], [each[2:] for each in made]
        told = [place.call(_answer, parts + 1, links[part], *(each[part] for each in asked)) for part in every]
        if all(place.get([each[0] for each in (*made, *told)])):
            return links, passes
        passes += 1
        pieces = [
            place.call(_large_star, parts, parts, links[part], *asked[part], *(each[part + 1] for each in told))
            for part in every
        ]


def stars_by_partition(links: np.ndarray, parts: int) -> list[np.ndarray]:
    """Stars that span what `links` join, by the partition of their texts."""
    stars = small_star(links)
    return split(stars, partition_of(stars[:, 0], parts), parts)


def _gather(parts: int, *pieces: np.ndarray) -> list[Any]:
    links = gather(list(pieces))
    return [is_forest(links), links, *parents_asked(links, parts)]


def _answer(links: np.ndarray, *asked: np.ndarray) -> list[Any]:
    """Whether none that was asked for has a parent, and the answers to each partition."""
    told = [first_parents(links, each) for each in asked]
    return [all(np.array_equal(each, answer) for each, answer in zip(asked, told, strict=True)), *told]


def _large_star(parts: int, links: np.ndarray, *asked_and_told: np.ndarray) -> list[np.ndarray]:
    return stars_by_partition(large_star(links, list(asked_and_told[:parts]), list(asked_and_told[parts:])), parts)

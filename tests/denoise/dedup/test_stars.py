"""Stars against a plain union-find, on graphs of every shape."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.dedup.components import largest_component, least_of_components
from denoise.dedup.passes import settle, stars_by_partition
from denoise.dedup.places import Here
from denoise.dedup.stars import gather, large_star, parents_asked, partition_of, small_star, split

NOTHING = np.zeros((0, 2), np.int64)
TEXTS = 300


def path(order: np.ndarray) -> np.ndarray:
    return np.column_stack([order[:-1], order[1:]])


def random_edges(seed: int, count: int) -> np.ndarray:
    edges = np.random.default_rng(seed).integers(0, TEXTS, (count, 2))
    return edges[edges[:, 0] != edges[:, 1]]


SHUFFLED = np.random.default_rng(0).permutation(TEXTS)
HALVES = np.append(np.arange(0, TEXTS, 2), np.arange(1, TEXTS, 2))
GRAPHS = {
    "empty": NOTHING,
    "one edge": np.array([[5, 3]]),
    "path": path(np.arange(TEXTS)),
    "shuffled path": path(SHUFFLED),
    "zigzag": path(HALVES),
    "ring": np.append(path(np.arange(TEXTS)), [[0, TEXTS - 1]], axis=0),
    "star around the first": np.column_stack([np.zeros(TEXTS - 1, np.int64), np.arange(1, TEXTS)]),
    "star around the last": np.column_stack([np.full(TEXTS - 1, TEXTS - 1), np.arange(TEXTS - 1)]),
    "grid": np.concatenate([path(np.arange(TEXTS)), np.column_stack([np.arange(TEXTS - 20), np.arange(20, TEXTS)])]),
    **{f"{count} random edges": random_edges(count, count) for count in (50, 150, 400, 2000)},
}


def plain_components(edges: np.ndarray) -> list[int]:
    """By sets, as one would on paper."""
    group = {text: {text} for text in range(TEXTS)}
    for one, two in edges.tolist():
        if group[one] is not group[two]:
            small, large = sorted((group[one], group[two]), key=len)
            large |= small
            group.update(dict.fromkeys(small, large))
    return [min(group[text]) for text in range(TEXTS)]


def links_of(edges: np.ndarray) -> np.ndarray:
    return np.column_stack([edges.max(axis=1), edges.min(axis=1)]) if len(edges) else NOTHING


def components_by_stars(links: np.ndarray, parts: int) -> tuple[list[int], int]:
    pieces = [stars_by_partition(each, parts) for each in split(links, partition_of(links[:, 0], parts), parts)]
    settled, passes = settle(Here(), pieces, parts)
    first = np.arange(TEXTS)
    for part, stars in enumerate(settled):
        assert (partition_of(stars[:, 0], parts) == part).all() and (np.diff(stars[:, 0]) > 0).all()
        first[stars[:, 0]] = stars[:, 1]
    return first.tolist(), passes


@pytest.mark.parametrize("name", GRAPHS)
def test_any_number_of_partitions_finds_what_sets_find(name: str) -> None:
    expected = plain_components(GRAPHS[name])
    assert least_of_components(TEXTS, GRAPHS[name]).tolist() == expected
    for parts in (1, 2, 5, 32):
        assert components_by_stars(links_of(GRAPHS[name]), parts)[0] == expected


def test_a_partition_alone_needs_no_pass_and_a_path_few() -> None:
    for order in (np.arange(TEXTS), SHUFFLED, HALVES):
        assert components_by_stars(links_of(path(order)), 1)[1] == 0
        assert 1 <= components_by_stars(links_of(path(order)), 8)[1] <= 12


def test_a_crowd_is_sent_to_no_partition() -> None:
    links = links_of(GRAPHS["star around the last"])
    pieces = stars_by_partition(links, 4)
    assert sum(map(len, pieces)) == TEXTS - 1
    asked = parents_asked(links_of(GRAPHS["star around the first"]), 4)
    assert sorted(np.concatenate(asked).tolist()) == [0]


def test_the_steps_on_links_one_can_read() -> None:
    links = np.array([[3, 2], [7, 4], [2, 1], [7, 3], [9, 8]])
    assert small_star(links).tolist() == [[2, 1], [3, 1], [4, 1], [7, 1], [9, 8]]
    assert gather([links, links[:2]]).tolist() == [[2, 1], [3, 2], [7, 3], [7, 4], [9, 8]]
    asked, told = [np.array([4, 8]), np.array([1, 2, 3])], [np.array([0, 8]), np.array([1, 1, 2])]
    assert large_star(gather([links]), asked, told).tolist() == [[2, 1], [3, 1], [7, 2], [7, 0], [9, 8]]


def test_the_heaviest_component() -> None:
    edges, weights = np.array([[0, 1], [3, 4], [2, 4]]), np.array([1, 1, 2, 3, 4, 8])
    assert largest_component(6, edges, weights) == 9
    assert largest_component(6, NOTHING, weights) == 8
    assert largest_component(0, NOTHING, np.zeros(0, np.int64)) == 0

"""How well clusters agree with the copies that were planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Score:
    """Of all planted pairs of copies, the share put together; of all pairs put together, the share planted.

    `removed` rows, of `removable` ones; a tool that only says which rows stay has no pairs.
    """

    removed: int
    removable: int
    recall: float | None = None
    precision: float | None = None


def score(truth: pa.Table, clusters: pa.Table) -> Score:
    """`truth` (`id`, `group`) and `clusters` (`id`, `cluster`) in any order. Raises ValueError on other ids."""
    groups, joined = _by_id(truth, "group"), _by_id(clusters, "cluster")
    ids = truth["id"].to_numpy(), clusters["id"].to_numpy()
    if not np.array_equal(*(np.sort(each) for each in ids)):
        raise ValueError(f"clusters must name each of the {len(ids[0])} rows once; got {len(ids[1])} ids")
    shared = _pairs(np.unique(groups * np.int64(len(groups)) + joined, return_counts=True)[1])
    planted, found = _pairs(np.bincount(groups)), _pairs(np.bincount(joined))
    rows = len(groups)
    return Score(rows - joined.max() - 1, rows - groups.max() - 1, shared / planted, shared / found)


def score_kept(truth: pa.Table, kept: int) -> Score:
    """Where only the number of rows that stay is known."""
    rows = truth.num_rows
    return Score(rows - kept, rows - len(np.unique(truth["group"].to_numpy())))


def _by_id(table: pa.Table, column: str) -> np.ndarray:
    """Codes from 0 of a column's values, in the order of ids."""
    values = table.sort_by("id")[column].combine_chunks().dictionary_encode()
    return np.asarray(values.indices, np.int64)


def _pairs(sizes: np.ndarray) -> int:
    return int((sizes * (sizes - 1) // 2).sum())

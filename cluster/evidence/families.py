"""Which rows of a dataset belong together: near duplicates, and those that were made of one text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from cluster.evidence.lineage import texts_of
from cluster.review.verdicts import EDIT
from cluster.review.writing.rows import ASSISTED
from cluster.store import Store
from denoise.split import families
from generation.methods import METHODS

PEOPLES = {EDIT, ASSISTED}  # methods of rows that people made of one that was there


def families_of(store: Store, rows: pa.Table, near: float) -> np.ndarray:
    """For each row (DATASET_SCHEMA) the number of its family, int64 [n]; `near` is a Jaccard similarity."""
    return families([text or "" for text in rows["text"].to_pylist()], list(_links(store, rows)), near)


def _links(store: Store, rows: pa.Table) -> Iterator[tuple[int, int]]:
    """Pairs of places: of rows made of one text, and of such a row and that text's."""
    rewrites = {name for name, method in METHODS.items() if method.rewrites} | PEOPLES
    columns = zip(rows["method"].to_pylist(), rows["seed_ids"].to_pylist(), strict=True)
    made = {place: ids or [] for place, (method, ids) in enumerate(columns) if method in rewrites}
    known = texts_of(store, {id for ids in made.values() for id in ids})
    first = {id: place for place, id in enumerate(rows["id"].to_pylist())}
    for place, ids in made.items():
        for id in ids:
            key = known[id]["id"] if id in known else id
            yield place, first.setdefault(key, place)

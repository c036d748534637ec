"""Comparing by Ray tasks, one a band: each makes its own keys from the shared sets, so no key is ever shuffled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from denoise.dedup.compare import Found, compare_band
from denoise.dedup.places import RETRIES
from denoise.dedup.roster import Roster
from denoise.dedup.settings import BANDS, DedupSettings
from denoise.dedup.sketches import shingles_in
from denoise.dedup.texts import Shingles

if TYPE_CHECKING:
    from ray import ObjectRef

SPAN_VALUES = 64 << 20  # shingles of a span, 4 bytes each; a task holds two spans


@dataclass(frozen=True)
class Spans:
    """The shingle sets of all texts: those from number firsts[k] (int64 [spans + 1]) on lie in refs[k]."""

    refs: list[ObjectRef]
    firsts: np.ndarray

    def loaders(self) -> list[partial[Shingles]]:
        """What gets each of them."""
        return [partial(_load, [ref]) for ref in self.refs]

    def take(self, texts: np.ndarray) -> Shingles:
        """The sets of some texts, in their order."""
        from denoise.dedup.kernel import copy_sets

        sizes = np.zeros(len(texts), np.int64)
        spans = list(zip(self.loaders(), self.firsts[:-1], self.firsts[1:], strict=True))
        for load, first, end in spans:
            here = (texts >= first) & (texts < end)
            sizes[here] = load().sizes[texts[here] - first]
        starts = np.append(0, np.cumsum(sizes))
        values = np.empty(starts[-1], np.uint32)
        for load, first, end in spans:
            here = np.flatnonzero((texts >= first) & (texts < end))
            span = load()
            copy_sets(span.values, span.starts, texts[here] - first, here, values, starts)
        return Shingles(values, starts)


def lay_out(roster: Roster, sketches: Sequence[ObjectRef], span_values: int = SPAN_VALUES) -> Spans:
    """Each text's set once, by text number, in spans: all that comparing needs, in the order that it wants.

    Tables of sketches are held one at a time, so that the object store may move the others to disk.
    """
    import ray

    from denoise.dedup.kernel import copy_sets

    rows = roster.row[roster.text_rank]
    sizes = np.empty(len(rows), np.int64)
    tables: list[tuple[ObjectRef, np.ndarray, np.ndarray]] = []  # with the texts that they have, and where
    by_row, begin = np.argsort(rows, kind="stable"), 0
    for ref in sketches:
        table = shingles_in(ray.get(ref))
        texts = by_row[slice(*np.searchsorted(rows, (begin, begin + len(table)), sorter=by_row))]
        texts = np.sort(texts)
        places = rows[texts] - begin
        sizes[texts] = table.sizes[places]
        tables.append((ref, texts, places))
        begin += len(table)
    totals = np.append(0, np.cumsum(sizes))
    firsts = [0]
    while firsts[-1] < len(rows):
        full = int(np.searchsorted(totals, totals[firsts[-1]] + span_values, "right")) - 1
        firsts.append(max(full, firsts[-1] + 1))
    refs = []
    for first, end in itertools.pairwise(firsts):
        starts = totals[first : end + 1] - totals[first]
        values = np.empty(starts[-1], np.uint32)
        for ref, texts, places in tables:
            here = slice(*np.searchsorted(texts, (first, end)))
            table = shingles_in(ray.get(ref))
            copy_sets(table.values, table.starts, places[here], texts[here] - first, values, starts)
        refs.append(ray.put(Shingles(values, starts)))
    return Spans(refs, np.array(firsts, np.int64))


@dataclass(frozen=True)
class Compared:
    """What the bands found: handles to `Found`, how many pairs these hold, and how many were compared.

    Pairs that several bands found count several times. `cut` crowded buckets were cut.
    """

    bands: list[ObjectRef]
    found: int
    compared: int
    cut: int


def compare(spans: Spans, roster: Roster, settings: DedupSettings) -> Compared:
    """Compare; what is found stays where it was found."""
    import ray

    task = ray.remote(_compare).options(num_cpus=1, max_retries=RETRIES, num_returns=2)
    made = [task.remote(band, [spans], roster.settled, settings) for band in range(BANDS)]
    counts = np.array(ray.get([each[1] for each in made]))
    return Compared([each[0] for each in made], *counts.sum(axis=0).tolist())


def _compare(
    band: int, spans: list[Spans], settled: np.ndarray, settings: DedupSettings
) -> tuple[Found, tuple[int, int, int]]:
    found = compare_band(band, spans[0].loaders(), spans[0].firsts, settled, settings)
    return found, (len(found.pairs), found.compared, found.cut)


def _load(ref: list[ObjectRef]) -> Shingles:
    import ray

    return ray.get(ref[0])

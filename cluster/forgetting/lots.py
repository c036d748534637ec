"""Rows of a lot that are forgotten: another one drawn at random stands in for each while the lot is open."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.audit.frame import judged_by_people, read_frame
from cluster.audit.lots import SAMPLE_SCHEMA, Lot, Sampled, decision_of, lot_numbers, read_lot
from cluster.store import Store
from generation.records import digest


def leave_lots(store: Store, ids: Collection[str]) -> None:
    """Take rows with these ids out of all samples.

    In an open lot a row that decides is replaced by any row of the lot that nobody has judged, and another by one of
    its stratum, so that the sample is as random as it was; one that cannot be replaced is left out.
    """
    for number in lot_numbers(store):
        lot = read_lot(store, number)
        if any(row.id in ids for row in lot.sample):
            closed = decision_of(store, number) is not None
            rows = [row for row in lot.sample if row.id not in ids] if closed else _replaced(store, lot, ids)
            sink = pa.BufferOutputStream()
            pq.write_table(pa.Table.from_pylist([row._asdict() for row in rows], SAMPLE_SCHEMA), sink)
            store.write_bytes(f"{lot.folder}/sample.parquet", sink.getvalue().to_pybytes())


def _replaced(store: Store, lot: Lot, ids: Collection[str]) -> list[Sampled]:
    frame = read_frame(store, lot.version, judged_by_people(store) | set(ids) | {row.id for row in lot.sample})
    free = dict(zip(frame.ids, frame.strata(lot.threshold), strict=True))
    chances = {row.stratum: row.inclusion for row in lot.sample}
    rows = []
    for row in lot.sample:
        if row.id not in ids:
            rows.append(row)
            continue
        fits = [id for id, stratum in free.items() if row.decides or stratum == row.stratum]
        if fits:
            draw = np.random.default_rng(int(digest(store.run()["run_id"], lot.number, row.id), 16))
            id = fits[int(draw.integers(len(fits)))]
            stratum = free.pop(id)
            rows.append(row._replace(id=id, stratum=stratum, inclusion=chances.get(stratum, row.inclusion)))
    return rows

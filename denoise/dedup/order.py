"""The total order in which rows are walked: of two duplicates the earlier one stays."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

PEOPLE = ("human", "seed")


def total_order(rows: pa.Table) -> pa.Table:
    """Rows (ROW_SCHEMA) by people's first, round, wave, mean log-probability, longer text, id.

    The likeliest text comes first, an unknown likelihood (null) last. Ids are distinct, so the result does not depend
    on the order of the input.
    """
    keys = pa.table(
        {
            "people": pc.is_in(rows["source"], pa.array(PEOPLE)),
            "round": rows["round"],
            "wave": rows["wave"],
            "quality": rows["mean_logprob"],
            "length": pc.utf8_length(rows["text"]),
            "id": rows["id"],
        }
    )
    directions = {"people": "descending", "quality": "descending", "length": "descending"}
    sort_keys = [(name, directions.get(name, "ascending")) for name in keys.column_names]
    return rows.take(pc.sort_indices(keys, sort_keys=sort_keys))

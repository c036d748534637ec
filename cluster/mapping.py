"""`rounds/NNN/map.parquet`: a sample of rows, where they lie among one another and how easily they are learnt.

Made once when a round finishes, from embeddings that nothing else keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.store import Store
from denoise.diversity import Embed
from denoise.noise.dynamics import confidence, variability
from generation.records import KEPT, digest
from generation.task import Example

MOST_KEPT, MOST_DOUBTED, MOST_SEEDS = 1500, 300, 300
DOUBTS = ("judge_unsure", "label_disagrees")
TEXT = 240  # characters of a text that are kept
MAP_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("label", pa.string()),
        ("outcome", pa.string()),  # kept, moved, lost (to the judge) or seed
        ("round", pa.int32()),  # null: a seed
        ("x", pa.float32()),
        ("y", pa.float32()),
        # of the probability of the label over epochs; null where rows have no single label
        ("confidence", pa.float32()),
        ("variability", pa.float32()),
    ]
)


def write_map(store: Store, number: int, seeds: Sequence[Example], embed: Embed, has_one_label: bool) -> None:
    """Make the map of the rows of all rounds up to `number`, if it is not there.

    Kept rows have their final label, those that the judge dropped the one that they were made for.
    """
    name = map_name(number)
    if (store.root / name).is_file():
        return
    sink = pa.BufferOutputStream()
    pq.write_table(map_of(_sampled(store, number, seeds), embed, has_one_label), sink, compression="zstd")
    store.write_bytes(name, sink.getvalue().to_pybytes())


def read_map(store: Store) -> pa.Table | None:
    """The newest map (MAP_SCHEMA)."""
    for number in reversed(store.rounds()):
        if (store.root / map_name(number)).is_file():
            data = (store.root / map_name(number)).read_bytes()
            return pq.read_table(pa.BufferReader(data)).cast(MAP_SCHEMA)
    return None


def map_name(number: int) -> str:
    """Where it lies below the run."""
    return f"rounds/{number:03d}/map.parquet"


def map_of(rows: Sequence[dict[str, Any]], embed: Embed, has_one_label: bool) -> pa.Table:
    """MAP_SCHEMA of rows (`id`, `text`, `label`, `outcome`, `round`), in their order.

    How a row is learnt is told by a linear head on the embeddings, trained on all of these rows under these labels
    (training.dynamics): dataset cartography (Swayamdipta et al. 2020) at the cost of a second.
    """
    from training.dynamics import epoch_probabilities
    from training.projection import project

    vectors = np.asarray(embed([row["text"] for row in rows])) if rows else np.zeros((0, 2))
    places = project(vectors)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in ("id", "label", "outcome", "round")}
    columns |= {"text": [row["text"][:TEXT] for row in rows], "x": places[:, 0], "y": places[:, 1]}
    names, given = np.unique(np.array(columns["label"], str), return_inverse=True)
    if has_one_label and len(names) > 1:
        epochs = epoch_probabilities(vectors, given, len(names))
        columns |= {"confidence": confidence(epochs, given), "variability": variability(epochs, given)}
    nothing = pa.nulls(len(rows))
    return pa.table([pa.array(columns.get(field.name, nothing), field.type) for field in MAP_SCHEMA], MAP_SCHEMA)


def _sampled(store: Store, number: int, seeds: Sequence[Example]) -> list[dict[str, Any]]:
    """Ids are hashes: the smallest are a random choice, of which a later round's map has as many as still fit."""
    rows: list[dict[str, Any]] = []
    for each in range(number + 1):
        verdicts = store.verdicts(each).select(["id", "status", "reason", "label"])
        kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))
        lost = pc.and_(pc.is_in(verdicts["reason"], pa.array(DOUBTS)), pc.equal(verdicts["status"], "rejected"))
        chosen = [*_first(kept, MOST_KEPT), *_first(verdicts.filter(lost), MOST_DOUBTED)]
        rows += _told(store, each, {verdict["id"]: verdict for verdict in chosen})
    rows.sort(key=lambda row: row["id"])
    lost_rows = [row for row in rows if row["outcome"] == "lost"][:MOST_DOUBTED]
    kept_rows = [row for row in rows if row["outcome"] != "lost"][:MOST_KEPT]
    return [*_seed_rows(seeds), *kept_rows, *lost_rows]


def _first(verdicts: pa.Table, most: int) -> list[dict[str, Any]]:
    places = pc.select_k_unstable(verdicts, min(most, verdicts.num_rows), [("id", "ascending")])
    return verdicts.take(places).to_pylist()


def _told(store: Store, number: int, verdicts: dict[str, dict[str, Any]]) -> Iterable[dict[str, Any]]:
    rows = store.rows(number, ["id", "text", "label", "intended_label"])
    rows = rows.filter(pc.is_in(rows["id"], pa.array(list(verdicts), pa.string())))
    for row in rows.to_pylist():
        verdict = verdicts[row["id"]]
        intended = row["intended_label"] or row["label"] or verdict["label"]
        label, lost = verdict["label"] or intended, verdict["status"] not in KEPT
        outcome = "lost" if lost else "kept" if label == intended else "moved"
        shown = {"label": (intended if lost else label) or "", "outcome": outcome, "round": number}
        yield {"id": row["id"], "text": row["text"] or "", **shown}


def _seed_rows(seeds: Sequence[Example]) -> list[dict[str, Any]]:
    rows = [{"id": seed.id, "text": seed.text, "label": seed.label or ""} for seed in seeds]
    rows.sort(key=lambda row: digest(row["id"]))
    return [row | {"outcome": "seed", "round": None} for row in rows[:MOST_SEEDS]]

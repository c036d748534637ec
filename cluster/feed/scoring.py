"""A pool of any size, scored: Ray Data hands pieces to actors with student and encoder, and each writes its part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.feed.lens import Lens, disagreement, hashes_of, keys_of, margins_of
from cluster.feed.pool import Pool
from cluster.predicting import in_actors
from cluster.store import Store
from generation.chunks import Chunk
from generation.errors import UserError
from generation.location import Location, filesystem_of, locate, path_of
from generation.parts import list_parts, write_bytes
from training.folders import local_folder

BATCH_ROWS = 2048
OPEN, BLANK, KNOWN, TEST, REPEATED = "open", "blank", "known", "test", "repeated"
# a row of the pool is one of a part, in the order of its piece; what is not open has no scores
SCORED = pa.schema(
    [
        ("state", pa.string()),
        ("hash", pa.uint64()),
        ("key", pa.uint64()),
        ("source", pa.string()),
        ("label", pa.string()),
        ("confidence", pa.float32()),
        ("margin", pa.float32()),
        ("plain_label", pa.string()),
        ("disagreement", pa.float32()),
        ("nearest_label", pa.string()),
        ("distance", pa.float32()),
        ("scope", pa.float32()),
    ]
)


@dataclass(frozen=True)
class Scoring:
    """What every part depends on; `target` is the folder of parts, `lens` the address of lens.npz."""

    student: str
    encoder: str
    lens: str
    target: str
    pool: Pool
    seed: int
    max_length: int

    def part(self, number: int) -> str:
        return f"part-{number:06d}.parquet"


def score_pool(asked: Scoring, workers: int, told: Callable[[int, int, int], None] = lambda *each: None) -> list[str]:
    """Write the parts that are not there yet; returns all of them, in the order of the pool's pieces.

    `told` hears how many parts of this call are done, of how many, and their rows. Needs an initialised Ray. Raises
    UserError where a piece cannot be read.
    """
    target = locate(asked.target)
    system, folder = filesystem_of(target), path_of(target)
    system.create_dir(folder)
    there = {part.rsplit("/", 1)[-1] for part in list_parts(system, folder)}
    todo = [number for number in range(len(asked.pool.pieces)) if asked.part(number) not in there]
    done = rows = 0
    for answer in in_actors(Scorer, (asked,), todo, workers):
        if answer["fault"]:
            raise UserError(answer["fault"])
        done, rows = done + 1, rows + answer["rows"]
        told(done, len(todo), rows)
    return list_parts(system, folder)


class Scorer:
    """Student, encoder and lens, loaded once, that score a piece at a time."""

    def __init__(self, asked: Scoring, threads: int) -> None:
        import torch

        from training.encoder import Encoder
        from training.predict import Student

        torch.set_num_threads(threads)
        self.asked, self.lens = asked, read_lens(locate(asked.lens))
        self.student = Student.load(local_folder(locate(asked.student)))
        self.encoder = Encoder.load(local_folder(locate(asked.encoder)), asked.max_length)

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        number, pool = int(item["number"]), self.asked.pool
        names = [*pool.columns, *([pool.source] if pool.source else [])]
        try:
            table = Chunk((pool.pieces[number],)).read(columns=names, strings=pool.columns)
        except UserError as error:
            return {"rows": 0, "fault": str(error)}
        sources = table[pool.source].to_pylist() if pool.source else [""] * len(table)
        found = self.score(pool.texts(table), sources)
        sink = pa.BufferOutputStream()
        pq.write_table(found, sink, compression="zstd")
        place = locate(self.asked.target) / self.asked.part(number)
        write_bytes(filesystem_of(place), path_of(place), sink.getvalue())
        return {"rows": len(table), "fault": ""}

    def score(self, texts: Sequence[str | None], sources: Sequence[str | None]) -> pa.Table:
        """SCORED of texts, of which those that are blank, known or repeated are not looked at."""
        hashes = hashes_of([text or "" for text in texts])
        states = states_of(texts, hashes, self.lens)
        table = pa.table(
            {
                "state": pa.array(states, pa.string()),
                "hash": pa.array(hashes),
                "key": pa.array(keys_of(hashes, self.asked.seed)),
                "source": pa.array([source or "" for source in sources], pa.string()),
            }
        )
        places = [place for place, state in enumerate(states) if state == OPEN]
        parts = [self._scores([str(texts[place]) for place in each]) for each in _batches(places)]
        empty = pa.schema([field for field in SCORED if field.name not in table.column_names]).empty_table()
        found = pa.concat_tables([empty, *parts])
        take = np.full(len(texts), -1)
        take[places] = np.arange(len(places))
        indices = pa.array(take, mask=take < 0)
        for name in found.column_names:
            table = table.append_column(name, found[name].take(indices))
        return table.select(SCORED.names).cast(SCORED)

    def _scores(self, texts: list[str]) -> pa.Table:
        probabilities = self.student.probabilities(texts)
        seen, names = self.lens.views(self.encoder.embed(texts)), np.array(self.student.labels, object)
        columns = {
            "label": pa.array(names[probabilities.argmax(axis=1)], pa.string()),
            "confidence": pa.array(probabilities.max(axis=1), pa.float32()),
            "margin": pa.array(margins_of(probabilities), pa.float32()),
            "plain_label": pa.array(names[seen.plain.argmax(axis=1)], pa.string()),
            "disagreement": pa.array(disagreement(probabilities, seen.plain), pa.float32()),
            "nearest_label": pa.array(names[seen.nearest], pa.string()),
            "distance": pa.array(seen.distance, pa.float32()),
            "scope": pa.array(seen.scope, pa.float32()),
        }
        return pa.table(columns)


def states_of(texts: Sequence[str | None], hashes: np.ndarray, lens: Lens) -> list[str]:
    """Of each text whether it is new: the first of its normal form here, in no test row and no known one."""
    states = np.full(len(texts), OPEN, object)
    first = np.zeros(len(texts), bool)
    first[np.unique(hashes, return_index=True)[1]] = True
    states[~first] = REPEATED
    states[np.isin(hashes, lens.known)] = KNOWN
    states[np.isin(hashes, lens.test)] = TEST
    states[[not (text or "").strip() for text in texts]] = BLANK
    return states.tolist()


def read_lens(place: Location) -> Lens:
    """A lens that was committed."""
    return Lens.of_bytes(place.read_bytes())


def read_scored(store: Store, part: str) -> pa.Table:
    """SCORED of one part."""
    return pq.read_table(part, filesystem=store.filesystem, schema=SCORED, partitioning=None)


def _batches(places: Sequence[int]) -> list[Sequence[int]]:
    return [places[start : start + BATCH_ROWS] for start in range(0, len(places), BATCH_ROWS)]

"""rensa: its matrix of signatures and its index, each text asked for among all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deduplicators.components import components, jaccard
from deduplicators.peer import BIGRAMS, LOOSE_BIGRAMS, WORDS, Peer, Setting
from deduplicators.rows import read, write

PEER = Peer(("rensa==0.5.0", "pyarrow==26.0.1"), (BIGRAMS, LOOSE_BIGRAMS, WORDS))
BLOCK = 20_000  # texts whose signatures are objects at once


def run(source: Path, out: Path, setting: Setting) -> None:
    from rensa import RMinHash, RMinHashLSH

    table = read(source)
    shingles = [setting.shingles(text) for text in table["text"].to_pylist()]
    permutations = setting.bands * setting.rows
    index = RMinHashLSH(setting.threshold, permutations, setting.bands)

    def pairs() -> Iterator[tuple[int, int]]:
        for start in range(0, len(shingles), BLOCK):
            signatures = RMinHash.from_token_sets(shingles[start : start + BLOCK], permutations, 42)
            index.insert_many(signatures, start)
            for place, others in enumerate(index.query_all(signatures), start):
                for other in others:
                    if other < place and near(shingles[place], shingles[other], setting):
                        yield other, place

    write(out, table, components(len(shingles), pairs()))


def near(one: set[str], other: set[str], setting: Setting) -> bool:
    return not setting.threshold or jaccard(one, other) >= setting.threshold

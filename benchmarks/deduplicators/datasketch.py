"""datasketch: MinHashLSH in memory, each text asked for among those before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deduplicators.components import components, jaccard
from deduplicators.peer import BIGRAMS, LOOSE_BIGRAMS, WORDS, Peer, Setting
from deduplicators.rows import read, write

PEER = Peer(("datasketch==2.0.0", "pyarrow==26.0.1"), (BIGRAMS, LOOSE_BIGRAMS, WORDS))


def run(source: Path, out: Path, setting: Setting) -> None:
    from datasketch import MinHash, MinHashLSH

    table = read(source)
    texts = table["text"].to_pylist()
    shingles = [setting.shingles(text) for text in texts]
    permutations = setting.bands * setting.rows
    index = MinHashLSH(num_perm=permutations, params=(setting.bands, setting.rows))
    encoded = ([shingle.encode() for shingle in each] for each in shingles)

    def pairs() -> Iterator[tuple[int, int]]:
        for place, signature in enumerate(MinHash.generator(encoded, num_perm=permutations)):
            for other in index.query(signature):
                if not setting.threshold or jaccard(shingles[place], shingles[other]) >= setting.threshold:
                    yield other, place
            index.insert(place, signature, check_duplication=False)

    write(out, table, components(len(texts), pairs()))

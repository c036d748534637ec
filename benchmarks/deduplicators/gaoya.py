"""gaoya: its index, filled and asked by all cores. It verifies pairs by their signatures."""

from __future__ import annotations

from pathlib import Path

from deduplicators.components import components
from deduplicators.peer import BIGRAMS, LOOSE_BIGRAMS, WORDS, Peer, Setting
from deduplicators.rows import read, write

PEER = Peer(("gaoya==0.2.2", "pyarrow==26.0.1"), (BIGRAMS, LOOSE_BIGRAMS, WORDS))


def run(source: Path, out: Path, setting: Setting) -> None:
    from gaoya.minhash import MinHashStringIndex

    table = read(source)
    texts = table["text"].to_pylist()
    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=setting.threshold,
        num_bands=setting.bands,
        band_size=setting.rows,
        analyzer="word",
        lowercase=True,
        ngram_range=(setting.width, setting.width),
        id_container="smallvec",
    )
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    found = index.par_bulk_query(texts)
    pairs = ((other, place) for place, others in enumerate(found) for other in others if other < place)
    write(out, table, components(len(texts), pairs))

"""How much is found: what theory says of the bands, and what comes of copies planted among a user's own rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from denoise.dedup.parts import PARTS, part_name
from denoise.dedup.settings import BANDS, DedupSettings
from denoise.dedup.texts import read_texts
from generation.location import Location, filesystem_of, path_of

SAMPLE = 1000  # texts that copies are made of
_STEPS = tuple(step / 20 for step in range(4, 21))
_EDITS = (1, 2, 3)


def explain(kept: Location, text: str, settings: DedupSettings) -> dict[str, Any]:
    """Both for rows that were kept: those of the lowest id hashes."""
    texts: list[str] = []
    for part in range(PARTS):
        place = kept / part_name(part)
        with filesystem_of(place).open_input_file(path_of(place)) as stream:
            some = pq.ParquetFile(stream).iter_batches(SAMPLE, columns=[text])
            texts += next((batch[0].drop_null().to_pylist() for batch in some), [])
        if len(texts) >= SAMPLE:
            break
    return {"curve": curve(settings), "planted": planted(texts[:SAMPLE], settings)}


def curve(settings: DedupSettings) -> dict[str, float]:
    """Probability that a pair is compared, by its Jaccard similarity."""
    return {f"{step:.2f}": round(settings.caught(step), 4) for step in _STEPS}


def planted(texts: Sequence[str], settings: DedupSettings) -> list[dict[str, Any]]:
    """Recall on copies with 1 to 3 words replaced, left out, put in or swapped; by the number of edits.

    `similar`: share of copies that are similar enough to their texts, `compared`: share that also share a band, which
    is the recall. The edits depend on the texts alone.
    """
    rng = random.Random(0)
    texts = [text for text in texts if len(text.split()) > 1]
    words = [word for text in texts for word in text.split()]
    return [_recall(texts, [_edit(text, edits, words, rng) for text in texts], edits, settings) for edits in _EDITS]


def _recall(texts: Sequence[str], copies: Sequence[str], edits: int, settings: DedupSettings) -> dict[str, Any]:
    from denoise.dedup.banding import band_keys, hash_functions, similarities

    here, there = (read_texts(pa.array(each, pa.string()), settings).shingles for each in (texts, copies))
    met = np.zeros(len(texts), bool)
    for band in range(BANDS):
        functions = hash_functions(band, settings.rows)
        met |= band_keys(here.values, here.starts, *functions) == band_keys(there.values, there.starts, *functions)
    pairs = np.column_stack([np.arange(len(texts))] * 2)
    sides = here.values, here.starts, 0, there.values, there.starts, 0
    similar = similarities(pairs, *sides, settings.threshold) > 0
    share = {"similar": similar, "compared": similar & met}
    shares = {name: round(float(each.mean()), 4) if len(each) else None for name, each in share.items()}
    return {"edits": edits, "copies": len(texts), **shares}


def _edit(text: str, edits: int, words: Sequence[str], rng: random.Random) -> str:
    parts = text.split()
    for _ in range(edits):
        place, kind = rng.randrange(len(parts)), rng.randrange(4)
        if kind == 0:
            parts[place] = rng.choice(words)
        elif kind == 1 and len(parts) > 1:
            del parts[place]
        elif kind == 2:
            parts.insert(place, rng.choice(words))
        else:
            other = rng.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
    return " ".join(parts)

from __future__ import annotations

import pyarrow as pa

from denoise.dedup.exact import exact_survivors
from denoise.dedup.settings import DedupSettings
from denoise.dedup.texts import read_texts


def twins(texts: list[str]) -> list[int]:
    return exact_survivors(read_texts(pa.array(texts, pa.string()), DedupSettings()).hashes).tolist()


def test_the_first_of_equal_texts_stands() -> None:
    assert twins(["a", "b", "A!", "c", "b", "a"]) == [-1, -1, 0, -1, 1, 0]


def test_no_texts() -> None:
    assert twins([]) == []

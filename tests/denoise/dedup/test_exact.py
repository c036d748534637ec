from __future__ import annotations

import pyarrow as pa

from denoise.dedup.exact import exact_survivors


def test_the_first_of_equal_texts_stands() -> None:
    assert exact_survivors(pa.array(["a", "b", "a", "c", "b", "a"])).tolist() == [-1, -1, 0, -1, 1, 0]


def test_no_texts() -> None:
    assert exact_survivors(pa.array([], pa.string())).tolist() == []

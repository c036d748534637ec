from __future__ import annotations

import numpy as np
import pyarrow as pa

from denoise.dedup.shingles import shingle


def sets(texts: list[str]) -> list[set[int]]:
    found = shingle(pa.array(texts, pa.string()))
    return [set(found.values[a:b].tolist()) for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)]


def test_a_text_has_one_shingle_a_character() -> None:
    found = shingle(pa.array(["a", "abcdef", ""]))
    assert found.sizes.tolist() == [1, 6, 1]
    assert found.values.dtype == np.uint32


def test_repeated_runs_count_once_and_ascend() -> None:
    found = shingle(pa.array(["aaaaaaaaaa"]))  # "  aaa", " aaaa", "aaaaa", "aaaa ", "aaa  "
    assert found.sizes.tolist() == [5]
    assert (np.diff(found.values.astype(np.int64)) > 0).all()


def test_shingles_depend_on_the_text_alone() -> None:
    alone = sets(["my card"])[0]
    assert sets(["xyz", "my card", "", "q"])[1] == alone
    assert sets(["my card", "my card"]) == [alone, alone]


def test_edited_texts_share_the_runs_that_the_edit_left() -> None:
    left, right = sets(["abcdefgh", "abcdefgx"])
    assert (len(left & right), len(left | right)) == (5, 11)


def test_no_texts() -> None:
    found = shingle(pa.array([], pa.string()))
    assert (found.values.tolist(), found.starts.tolist()) == ([], [0])

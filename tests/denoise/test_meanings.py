from __future__ import annotations

import pyarrow as pa
import pytest

from denoise.meanings import compare_meanings
from generation.task import Example
from tests.denoise.cases import WordEncoder

ROWS = pa.table(
    {
        "text": [
            "lost card",
            "card was lost",
            None,
            "open sunday",
            "open on a sunday for a fee",
            "a lost card fee",
            None,
        ],
        "label": ["lost", "lost", "lost", "hours", None, "lost", None],
    }
)
ALIKE = [Example("lost card", "lost"), Example("the card is lost", "lost")]


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("block_rows", [2, 100])
def test_edges_by_label(block_rows: int) -> None:
    """Of .8165 alike are texts that share two words of two and three; seeds that are alike ask for more."""
    assert compare_meanings(ROWS[:1], [], 0.8, WordEncoder, block_rows).tolist() == []
    assert compare_meanings(ROWS, [], 0.8, WordEncoder, block_rows).tolist() == [[0, 1], [0, 5], [1, 5], [3, 4]]
    assert compare_meanings(ROWS, ALIKE, 0.8, WordEncoder, block_rows).tolist() == [[0, 1], [3, 4]]
    assert compare_meanings(ROWS, ALIKE, 0.82, WordEncoder, block_rows).tolist() == [[0, 1]]

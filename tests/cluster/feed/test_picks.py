"""Which rows of a shortlist are taken."""

from __future__ import annotations

import numpy as np

from cluster.feed.picks import choose, pick_id
from cluster.feed.pool import Pool
from cluster.feed.settings import FeedSettings
from cluster.feed.shortlist import shortlist
from generation.pieces import Piece
from tests.cluster.feed.test_shortlist import scored

TEXTS = ["where is my order", "the kettle is broken", "give me my money", "do you sell spoons"]
TAKE = FeedSettings(take=4, uncertain=0.5, disagrees=0.0, novel=0.0, random=0.5)


def picked(*forgotten: str, same: str = "") -> dict[str, str]:
    """Text -> why; `same` has replaced the first text and the second."""
    listed = shortlist([scored([1, 2, 3, 4], key=[1, 2, 3, 4], margin=[0.4, 0.3, 0.2, 0.1])], 4)
    order = listed.rows["row"].to_pylist()
    texts = [same if same and row < 2 else TEXTS[row] for row in order]
    pool = Pool((Piece("pool.parquet", 0, 4),), ("text",), None, "digest")
    gone = {pick_id(text) for text in forgotten}
    rows = choose(listed, texts, pool, TAKE, [], [], 0.6, lambda some: np.eye(4)[: len(some)], gone).rows
    return dict(zip(rows["text"].to_pylist(), rows["why"].to_pylist(), strict=True))


def test_of_texts_that_have_become_equal_one_is_drawn() -> None:
    assert picked(same="it is mine") == {"it is mine": "random", TEXTS[2]: "uncertain", TEXTS[3]: "uncertain"}


def test_what_was_forgotten_is_not_picked_again() -> None:
    assert picked() == dict(zip(TEXTS, ["random", "random", "uncertain", "uncertain"], strict=True))
    left = picked(TEXTS[0], TEXTS[3])
    assert left == {TEXTS[1]: "random", TEXTS[2]: "uncertain"}  # nothing takes the place of one that was drawn

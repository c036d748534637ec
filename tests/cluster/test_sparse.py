"""Which rows of earlier rounds a later one shows, by the embedded encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.sparse import sparse_rows
from cluster.store import Store
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.records import rows_table, verdicts_table
from generation.settings import GenerationSettings
from generation.task import Example

SETTINGS = GenerationSettings(exemplars=2, exemplar_sets=1, sparse=0.5)
COOKING = ["how long do lentils boil", "how long do beans boil", "how long does rice boil", "how long do peas boil"]
ODD, MOVED = "a table for two at nine", "the train to the coast was late"


@pytest.fixture
def encoder() -> Path:
    return resolve_model(EMBEDDED_ENCODER)


def add(store: Store, round_: int, texts: list[str], status: str = "accepted", label: str = "food") -> None:
    rows = [{"id": f"{status}-{text}", "request_id": text, "text": text} for text in texts]
    verdicts = [{"id": row["id"], "revision": 0, "label": label, "status": status, "weight": 1.0} for row in rows]
    store.commit(round_, "generated", f"{status}-{label}-e0", rows_table(rows), "run")
    store.commit(round_, "verdicts", f"{status}-{label}-w000", verdicts_table(verdicts), "run")


def test_the_row_with_the_fewest_like_it(store: Store, encoder: Path) -> None:
    add(store, 0, [*COOKING, ODD])
    add(store, 0, [MOVED], "relabelled")  # it was asked for under another label
    add(store, 1, ["a text of this round"])
    found = sparse_rows(store, 1, SETTINGS, encoder)
    assert found == {"food": (Example(ODD, "food"),)}
    assert sparse_rows(store, 1, SETTINGS, encoder) == found
    more = sparse_rows(store, 1, SETTINGS.model_copy(update={"exemplar_sets": 9}), encoder)["food"]
    assert (more[0].text, sorted(row.text for row in more)) == (ODD, sorted([*COOKING, ODD]))


def test_every_second_row_is_from_the_border_to_a_label_that_is_taken_for_its_own(store: Store, encoder: Path) -> None:
    near = "how long do trains take"
    add(store, 0, [*COOKING, near, ODD])
    add(store, 0, ["how late do trains run", "when do trains leave"], label="travel")
    settings = SETTINGS.model_copy(update={"exemplar_sets": 3})
    found = sparse_rows(store, 1, settings, encoder, [("drink", "food", 4), ("food", "travel", 3)])
    assert found["food"] == sparse_rows(store, 1, settings, encoder)["food"]  # there is no "drink"
    found = sparse_rows(store, 1, settings, encoder, [("food", "travel", 3), ("drink", "food", 2)])
    assert [row.text for row in found["food"]][:2] == [ODD, near]
    assert len(found["food"]) == 3 and len(found["travel"]) == 2


def test_off_or_in_the_first_round_nothing_is_embedded(store: Store) -> None:
    add(store, 0, COOKING)
    nowhere = Path("no-encoder")
    assert sparse_rows(store, 0, SETTINGS, nowhere) == {}
    assert sparse_rows(store, 1, GenerationSettings(), nowhere) == {}

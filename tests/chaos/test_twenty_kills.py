"""Twenty kills by chance during a run of three rounds (siege.py): afterwards everything is there, once.

CHAOS_SEED=7 python -m pytest tests/chaos/test_twenty_kills.py    draws others; when they come is never the same
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator

import pyarrow.compute as pc
import pytest

from cluster.hours import BEGAN
from cluster.journal import Journal
from cluster.run import Run
from cluster.store import Store
from denoise.waterfall import waterfall
from generation.parts import read_parts
from generation.records import ROW_SCHEMA, expected_row_ids
from tests.chaos.siege import TITLES, Siege
from tests.chaos.strikes import DRIVER, KILLS, LONG, RAYLET, ROUNDS, STAGES, draw, order
from tests.cluster.misbehaving import serving
from tests.test_server_run import write

pytestmark = pytest.mark.timeout(3600)
SEED = int(os.environ.get("CHAOS_SEED", "1"))
QUOTA, LABELS = 6, ("lost_pet", "bake_sale", "band_practice")


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """The run, finished in spite of everything."""
    with serving() as server:
        server.write = write
        siege = Siege(tmp_path_factory.mktemp("siege") / "run", server)
        siege.live_through(draw(SEED))
        yield siege


@pytest.fixture
def store(siege: Siege) -> Store:
    return Store(siege.run)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_drawn(seed: int) -> None:
    """Of any seed: twenty, in order, over all stages of all rounds."""
    strikes = draw(seed)
    assert strikes == draw(seed) != draw(seed + 1)
    assert len(strikes) == KILLS
    assert [order(each.place) for each in strikes] == sorted(order(each.place) for each in strikes)
    counts = Counter(each.place for each in strikes)
    assert len(counts) == 1 + 4 * ROUNDS + ROUNDS - 1
    assert max(counts.values()) <= 3
    assert sorted(each.stage for each in strikes if each.victim == DRIVER) == sorted(STAGES[1:])
    assert [each.stage in LONG for each in strikes if each.victim == RAYLET] == [True]
    assert set(TITLES) - {RAYLET} <= {each.victim for each in strikes} - {DRIVER, RAYLET}


def test_all_landed(siege: Siege) -> None:
    assert [each.strike for each in siege.landed] == draw(SEED)
    assert len({each.process for each in siege.landed}) == KILLS  # with their pids
    late = [each for each in siege.landed if each.place != each.strike.place]
    assert len(late) <= 2 and all(order(each.place) > order(each.strike.place) for each in late)
    struck = {each.place for each in siege.landed}
    assert struck >= {(number, stage) for number in range(ROUNDS) for stage in LONG}
    assert {stage for _, stage in struck} == set(STAGES)


def test_the_command_ends_with_an_error_where_its_ray_died(siege: Siege) -> None:
    assert siege.ended == [1]


def test_three_rounds_are_finished_by_one_driver_after_another(siege: Siege, store: Store) -> None:
    run, dear = Run.open(siege.run), [DRIVER, RAYLET]
    metrics = [run.metrics(number) or {} for number in store.rounds()]
    assert [each["round"] for each in metrics] == list(range(ROUNDS))
    assert {each["stop_reason"] for each in metrics} == {"quota_met"}
    assert [each["accepted"] for each in metrics] == [dict.fromkeys(LABELS, QUOTA)] * ROUNDS
    assert metrics[-1]["decision"]["stop"] == "rounds"
    drivers = 1 + sum(each.strike.victim in dear for each in siege.landed)
    assert len(siege.outputs) == drivers
    epochs = [event["epoch"] for event in _journal(store).events(BEGAN)]
    assert epochs == list(range(1, drivers + 1))


def test_ids_are_the_committed_requests_each_once(store: Store) -> None:
    for number in range(ROUNDS):
        expected = sorted(expected_row_ids(store.requests(number)))
        assert len(set(expected)) == len(expected) > 0
        assert sorted(store.generated(number, ["id"])["id"].to_pylist()) == expected
        # nor do the parts themselves hold anything twice
        parts = read_parts(store.filesystem, store.parts(number, "generated"), ROW_SCHEMA, ["id"])
        assert sorted(parts["id"].to_pylist()) == expected
        assert list(store.open_requests(number)) == []
        assert store.aside(number).num_rows == 0


def test_nothing_is_asked_for_in_two_rounds(store: Store) -> None:
    asked = [name for number in range(ROUNDS) for name in store.requests(number, ["request_id"])["request_id"]]
    assert len(set(asked)) == len(asked)


def test_every_row_has_one_verdict_and_the_waterfall_sums(siege: Siege, store: Store) -> None:
    for number in range(ROUNDS):
        verdicts = store.revisions(number)
        assert sorted(verdicts["id"].to_pylist()) == sorted(store.generated(number, ["id"])["id"].to_pylist())
        assert set(verdicts["revision"].to_pylist()) == {0}
    run = Run.open(siege.run)
    assert sum(step.count for step in waterfall(run.rows(), run.verdicts())) == run.rows().num_rows


def test_each_version_has_the_kept_rows_once(siege: Siege, store: Store) -> None:
    run = Run.open(siege.run)
    for number in range(ROUNDS):
        kept = store.kept(range(number + 1))["id"].to_pylist()
        assert len(kept) == len(set(kept)) == QUOTA * len(LABELS) * (number + 1)
        version = run.dataset(f"v{number:03d}")
        assert sorted(version["id"].to_pylist()) == sorted(kept)
        assert Counter(version["label"].to_pylist()) == dict.fromkeys(LABELS, QUOTA * (number + 1))


def test_tokens_are_those_of_the_rows_and_losses_count(siege: Siege, store: Store) -> None:
    """The server charges 20 tokens for a question and 3 for a text; what it charged for nothing is not all seen."""
    counted = 0
    for number in range(ROUNDS):
        metrics = Run.open(siege.run).metrics(number) or {}
        told, rows = metrics["tokens"], store.generated(number, ["request_id", "output_tokens"])
        assert told["output"] == pc.sum(rows["output_tokens"]).as_py() == 3 * rows.num_rows
        assert told["prompt"] == 20 * len(rows["request_id"].unique())
        lost = [event["tokens"] for event in _journal(store).events("lost") if event["round"] == number]
        assert told["lost"] == sum(lost)
        counted += sum(told.values())
    assert any(event["tokens"] for event in _journal(store).events("lost"))
    assert counted <= siege.server.charged


def test_dead_engines_are_replaced(siege: Siege) -> None:
    deaths = sum(len(re.findall(r"^engine \S+ died", output, re.MULTILINE)) for output in siege.outputs)
    engines = sum("ray::ServerEngine" in each.process for each in siege.landed)
    assert 0 < deaths <= engines + len(siege.ended)  # a raylet takes its engine along


def test_nothing_is_left_over(siege: Siege) -> None:
    assert siege.left_alive == []
    assert [path for path in siege.run.rglob("*") if path.name.endswith(".tmp")] == []
    assert list((siege.run / "training").iterdir()) == []


def _journal(store: Store) -> Journal:
    return Journal(store.root, lambda line: None)

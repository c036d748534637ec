"""Hours of drivers, by what they noted."""

from __future__ import annotations

import json

import pytest

from cluster.hours import BEGAN, spent_hours
from cluster.journal import Journal
from cluster.store import Store


def test_each_driver_counts_from_its_first_event_to_its_last(store: Store) -> None:
    events = [("line", 0), (BEGAN, 1000), ("stage", 2800), ("line", 2799), (BEGAN, 9000), ("line", 10800)]
    lines = [json.dumps({"at": at, "kind": kind}) for kind, at in events]
    (store.root / "log.jsonl").write_text("\n".join(lines) + '\n{"at": 1')
    journal = Journal(store.root, print)
    assert spent_hours(journal) == pytest.approx(1.0)
    assert spent_hours(journal, 12600) == pytest.approx(1.5)
    assert spent_hours(journal, 9001) == pytest.approx(1.0)


def test_a_run_that_nobody_drove(store: Store) -> None:
    journal = Journal(store.root, print)
    assert spent_hours(journal) == spent_hours(journal, 500.0) == 0.0

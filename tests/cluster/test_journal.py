"""Events that survive a kill, and the seconds of stages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.journal import Journal
from generation.location import ObjectPath


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def journal(tmp_path: Path, shown: list[str]) -> Journal:
    return Journal(tmp_path, shown.append)


def test_lines_are_shown_and_kept(journal: Journal, shown: list[str], tmp_path: Path) -> None:
    assert journal.events("line") == []
    journal.say("hello, ä\n\u2028")
    journal.note("lost", round=0, tokens=5)
    assert shown == ["hello, ä\n\u2028"]
    assert [event["text"] for event in journal.events("line")] == shown
    (lost,) = journal.events("lost")
    assert (lost["round"], lost["tokens"]) == (0, 5)
    assert len((tmp_path / "log.jsonl").read_bytes().splitlines()) == 2


def test_a_torn_last_line_is_passed_over_and_swallows_nothing(journal: Journal, tmp_path: Path) -> None:
    journal.note("lost", tokens=1)
    with (tmp_path / "log.jsonl").open("a") as stream:
        stream.write('{"at": 1.0, "kind": "lost", "tok')
    assert [event["tokens"] for event in journal.events("lost")] == [1]
    Journal(tmp_path, print).note("lost", tokens=2)
    journal.note("lost", tokens=3)
    assert [event["tokens"] for event in journal.events("lost")] == [1, 2, 3]


def test_a_stage_is_timed_also_when_it_fails(journal: Journal) -> None:
    with journal.timed("judge", 0):
        pass
    with pytest.raises(KeyError), journal.timed("generate", 1):
        raise KeyError
    stages = journal.events("stage")
    assert [(event["stage"], event["round"]) for event in stages] == [("judge", 0), ("generate", 1)]
    assert all(0 <= event["seconds"] < 5 for event in stages)


def test_seconds_of_all_drivers_together(journal: Journal, tmp_path: Path) -> None:
    stages = [("generate", 0, 1.25), ("denoise", 0, 2.0), ("generate", 1, 9.0), ("generate", 0, 3.5)]
    events = [{"at": 1, "kind": "stage", "stage": name, "round": r, "seconds": s} for name, r, s in stages]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    assert journal.seconds(0) == {"generate": 4.8, "denoise": 2.0}
    assert journal.seconds(2) == {}


def test_on_an_object_store(prefix: ObjectPath, shown: list[str]) -> None:
    first = Journal(prefix, shown.append)
    assert first.events("line") == []
    first.say("hello, ä\n\u2028")
    first.note("stage", stage="generate", round=0, seconds=1.5)
    second = Journal(prefix, shown.append)
    second.note("stage", stage="generate", round=0, seconds=2.0)
    for journal in (first, second):
        assert [event["text"] for event in journal.events("line")] == shown == ["hello, ä\n\u2028"]
        assert journal.seconds(0) == {"generate": 3.5}

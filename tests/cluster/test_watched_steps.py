from __future__ import annotations

import io
from pathlib import Path

import pytest

from cluster.bias import check_bias, found_bias
from cluster.journal import Journal
from cluster.live import PlainView
from cluster.monitor import Monitor
from cluster.rounds import Round
from cluster.store import Store
from cluster.watched_steps import WatchedSteps
from generation.errors import UserError
from tests.cluster.cases import begin_round, make_job
from tests.cluster.test_wave_steps import add_kept

NOW = Round(0, {"pos": 20, "neg": 20}, 20, None)


def steps_of(folder: Path, store: Store, bias: str) -> WatchedSteps:
    """Without a judge."""
    view = PlainView(io.StringIO())
    job, journal = make_job(folder, denoise={"bias": bias}), Journal(store.root, view.log)
    return WatchedSteps(job, store, journal, Monitor(store, view), NOW, 1, None)


def add_biased(store: Store) -> None:
    begin_round(store, NOW.targets)
    add_kept(store, {f"{label}-{n}": f"{who} {n}" for label, who in (("pos", "he"), ("neg", "it")) for n in range(25)})


def test_a_wave_is_looked_at_once(tmp_path: Path, store: Store) -> None:
    add_biased(store)
    steps_of(tmp_path, store, "off").judge(0)
    assert found_bias(store, 0) is None
    steps_of(tmp_path, store, "warn").judge(0)
    first = found_bias(store, 0)
    assert first is not None and (first["wave"], len(first["alarms"])) == (0, 2)
    store.write_json("rounds/000/bias.json", first | {"alarms": ["mine"]})
    steps_of(tmp_path, store, "warn").judge(0)
    assert found_bias(store, 0) == first | {"alarms": ["mine"]}


def test_an_alarm_may_hold_the_next_wave_back(tmp_path: Path, store: Store) -> None:
    add_biased(store)
    check_bias(store, Journal(store.root, print), 0, 0, None)
    with pytest.raises(UserError, match=r"paused: bias: label 'neg' .* --set denoise\.bias=warn"):
        steps_of(tmp_path, store, "pause").plan(1, 1)
    paused, going_on = (make_job(tmp_path, denoise={"bias": bias}) for bias in ("pause", "warn"))
    assert paused.run_id == going_on.run_id  # so that the same run can go on
    assert not steps_of(tmp_path, store, "warn").plan(1, 1)  # nothing is missing, and nothing refused

"""Targets of rounds, what opens a new one, and what the next wave asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.dataset import materialise
from cluster.rounds import (
    FORK,
    LEAST_ROWS,
    Round,
    accepted_per_label,
    check_feedable,
    current_round,
    fed_round,
    given_up,
    is_finished,
    is_met,
    kept_texts,
    next_counts,
    rows_left,
    yields_per_label,
)
from cluster.store import Store
from generation.errors import UserError
from generation.plan import Yield, requests_for
from tests.cluster.cases import (
    RUN_ID,
    add_requests,
    add_rows,
    add_verdicts,
    begin_round,
    config,
    finish_round,
    verdict,
)


def keep(store: Store, round_: int = 0, **counts: int) -> None:
    """Generate and accept rows of each label in a round."""
    names = [f"{label}-{round_}{index}" for label, count in counts.items() for index in range(count)]
    add_rows(store, names, round_=round_)
    add_verdicts(store, [verdict(name) for name in names], round_=round_)


def test_the_first_round_aims_at_the_quota(store: Store) -> None:
    expected = Round(0, {"pos": 5, "neg": 5}, 5, 900)
    assert current_round(store, config(quota=5, rounds=3, token_budget=900)) == expected
    assert store.rounds() == [0]
    assert not is_finished(store, 0)


def test_an_unfinished_round_goes_on_as_it_began(store: Store) -> None:
    first = current_round(store, config(quota=5))
    assert current_round(store, config(quota=50, rounds=4, token_budget=1)) == first
    assert store.rounds() == [0]


def test_a_finished_run_stays_finished(store: Store) -> None:
    current_round(store, config(quota=5))
    finish_round(store)
    assert is_finished(store, 0)
    assert current_round(store, config(quota=5)) is None
    assert current_round(store, config(quota=4)) is None
    assert current_round(store, config(quota=5, token_budget=10)) is None
    assert store.rounds() == [0]


def test_rounds_follow_one_another(store: Store) -> None:
    settings = config(quota=2, rounds=3)
    seen = []
    while now := current_round(store, settings):
        seen.append(now)
        keep(store, now.number, **now.targets)
        finish_round(store, now.number)
    both = {"pos": 2, "neg": 2}
    assert seen == [Round(0, both, 2, None), Round(1, both, 4, None), Round(2, both, 6, None)]
    assert current_round(store, settings) is None


def test_a_round_makes_up_for_what_labels_lack_within_its_quota(store: Store) -> None:
    current_round(store, config(quota=4, rounds=2))
    keep(store, pos=5, neg=1)
    finish_round(store, stop_reason="rows_exhausted")
    assert current_round(store, config(quota=4, rounds=2)) == Round(1, {"pos": 3, "neg": 4}, 8, None)


@pytest.mark.parametrize(
    ("grown", "expected"),
    [
        ({"quota": 5}, Round(1, {"pos": 2, "neg": 3}, 5, None)),
        ({"quota": 20}, Round(1, {"pos": 17, "neg": 18}, 20, None)),
        ({"rounds": 2}, Round(1, {"pos": 3, "neg": 3}, 6, None)),
        ({"rounds": 9}, Round(1, {"pos": 3, "neg": 3}, 6, None)),
    ],
)
def test_growth_opens_a_round(store: Store, grown: dict[str, Any], expected: Round) -> None:
    before = {"quota": 3, "rounds": 1}
    current_round(store, config(**before))
    keep(store, pos=3, neg=2)
    finish_round(store, stop_reason="rows_exhausted")
    assert current_round(store, config(**before)) is None
    assert current_round(store, config(**before | grown)) == expected


def test_growth_by_less_than_is_there_already_opens_none(store: Store) -> None:
    current_round(store, config(quota=3))
    keep(store, pos=5, neg=5)
    finish_round(store)
    assert current_round(store, config(quota=4)) is None
    assert store.rounds() == [0]


def test_a_spent_budget_ends_the_run_until_it_grows(store: Store) -> None:
    spent = {"quota": 3, "rounds": 2, "token_budget": 100}
    current_round(store, config(**spent))
    keep(store, pos=3, neg=1)
    finish_round(store, stop_reason="token_budget")
    assert current_round(store, config(**spent)) is None
    assert current_round(store, config(**spent | {"token_budget": 50})) is None
    assert current_round(store, config(**spent | {"quota": 9})) is None
    # first what the budget cut off, then the second round
    more = config(**spent | {"token_budget": 200})
    assert current_round(store, more) == Round(1, {"pos": 0, "neg": 2}, 3, 200)
    keep(store, 1, neg=2)
    finish_round(store, 1)
    assert current_round(store, more) == Round(2, {"pos": 3, "neg": 3}, 6, 200)


def test_a_spent_cost_budget_does_too(store: Store) -> None:
    spent = {"quota": 3, "prices": {"prompt": 1}, "cost_budget": 0.5}
    current_round(store, config(**spent))
    finish_round(store, stop_reason="cost_budget")
    assert current_round(store, config(**spent | {"token_budget": 900})) is None
    more = config(**spent | {"cost_budget": 0.6})
    assert current_round(store, more) == Round(1, {"pos": 3, "neg": 3}, 3, None, 0.6)


def test_a_budget_lifted_altogether_opens_a_round(store: Store) -> None:
    current_round(store, config(quota=3, token_budget=100))
    finish_round(store, stop_reason="token_budget")
    assert current_round(store, config(quota=3)) == Round(1, {"pos": 3, "neg": 3}, 3, None)


def test_a_larger_budget_alone_opens_none_when_it_was_not_the_limit(store: Store) -> None:
    current_round(store, config(quota=3, token_budget=100))
    finish_round(store, stop_reason="rows_exhausted")
    assert current_round(store, config(quota=3, token_budget=900)) is None


def test_counts_by_intended_and_by_final_label(store: Store) -> None:
    now = Round(0, {"pos": 4, "neg": 2}, 4, None)
    add_rows(store, ["pos-0", "pos-1", "pos-2", "neg-0"])
    moved = verdict("pos-1", "relabelled") | {"label": "neg"}
    add_verdicts(store, [verdict("pos-0"), moved, verdict("pos-2", "rejected"), verdict("neg-0")])
    assert accepted_per_label(store, [0]) == {"pos": 1, "neg": 2}
    assert accepted_per_label(store, []) == {}
    assert yields_per_label(store, now, 1) == {"pos": Yield(3, 1), "neg": Yield(1, 2)}
    assert yields_per_label(store, now, 0) == {"pos": Yield(), "neg": Yield()}
    # neg has its two rows, so the next wave asks for pos alone
    assert next_counts(store, now, 2, 1) == {"pos": requests_for(3, Yield(3, 1), 2)}


def test_kept_texts_are_of_earlier_rounds_and_of_judged_waves(store: Store) -> None:
    current_round(store, config(quota=2, rounds=2))
    keep(store, pos=1, neg=1)
    finish_round(store)
    now = current_round(store, config(quota=2, rounds=2))
    assert now is not None
    for wave in (0, 1):
        names = [f"{label}-w{wave}" for label in ("pos", "neg")]
        add_rows(store, names, f"e{wave}", 1, wave)
        add_verdicts(store, [verdict(names[0]), verdict(names[1], "relabelled", label="pos")], f"w{wave:03d}", 1)
    before = {"pos": {"e0 pos-00 0"}, "neg": {"e0 neg-00 0"}}
    first = {"pos": before["pos"] | {"e0 pos-w0 0", "e0 neg-w0 0"}, "neg": before["neg"]}
    both = {"pos": first["pos"] | {"e1 pos-w1 0", "e1 neg-w1 0"}, "neg": before["neg"]}
    found = [kept_texts(store, now, judged) for judged in range(3)]
    assert [{label: set(texts) for label, texts in each.items()} for each in found] == [before, first, both]
    assert kept_texts(store, now, 2) == found[2]


def test_kept_texts_of_a_set_of_labels_that_only_a_person_has_found(store: Store) -> None:
    now = Round(0, {"pos": 1}, 1, None)
    begin_round(store, now.targets)
    add_rows(store, ["pos-0", "pos-1"])
    add_verdicts(store, [verdict("pos-0"), verdict("pos-1", "relabelled", label="neg+pos")])
    assert kept_texts(store, now, 1) == {"pos": ["e0 pos-0 0"], "neg+pos": ["e0 pos-1 0"]}


def test_a_fed_round_takes_rows_until_a_student_or_a_dataset_is_made_of_it(store: Store) -> None:
    begin_round(store, {"pos": 1, "neg": 1})
    finish_round(store)
    fed = fed_round(store, ["pos", "neg"])
    assert fed == Round(1, {"pos": 0, "neg": 0}, 1, None, fed=True)
    assert fed_round(store, ["pos", "neg"]) == fed
    materialise(store, 1, RUN_ID)  # its student was taken away since
    with pytest.raises(UserError, match=r"round 1 is not finished; `labelmill run` finishes it"):
        check_feedable(store)
    with pytest.raises(UserError, match="round 1 is not finished"):
        fed_round(store, ["pos", "neg"])


def test_next_counts_of_a_new_and_of_a_full_round(store: Store) -> None:
    now = Round(0, {"pos": 2, "neg": 0}, 2, None)
    assert next_counts(store, now, 4, -1) == {"pos": requests_for(2, Yield(), 4)}
    assert not is_met(store, now)
    keep(store, pos=2)
    assert next_counts(store, now, 4, 1) == {}
    assert is_met(store, now)


def test_a_large_wave_asks_for_half(store: Store) -> None:
    now = Round(0, {"pos": 3 * LEAST_ROWS, "neg": 10}, 3 * LEAST_ROWS, None)
    assert next_counts(store, now, 4, -1) == {
        "pos": requests_for(3 * LEAST_ROWS // 2, Yield(), 4, surely=False),
        "neg": requests_for(5, Yield(), 4, surely=False),
    }


def test_rows_on_their_way_are_expected_at_the_rate_seen(store: Store) -> None:
    now = Round(0, {"pos": 20, "neg": 1}, 20, None)
    add_requests(store, ["pos-0", "pos-1"], samples=10)
    # 20 rows at the prior rate of .6 bring 12
    assert next_counts(store, now, 2, 0) == {"pos": requests_for(8, Yield(), 2), "neg": requests_for(1, Yield(), 2)}
    assert next_counts(store, replace(now, targets={"pos": 12, "neg": 0}), 2, 0) == {}
    add_rows(store, ["pos-0", "pos-1"], samples=10)
    add_verdicts(store, [verdict("pos-0", sample=sample) for sample in range(5)])
    assert next_counts(store, now, 2, 1)["pos"] == requests_for(15, Yield(20, 5), 2)
    add_requests(store, ["pos-2"], wave=1, samples=30)
    # 30 more at 11 of 30
    assert next_counts(store, now, 2, 1)["pos"] == requests_for(4, Yield(20, 5), 2)


def test_a_label_that_never_holds_is_given_up(store: Store) -> None:
    now = Round(0, {"pos": 4, "neg": 0}, 4, None)
    add_requests(store, [f"pos-{number}" for number in range(15)], samples=4)
    add_rows(store, [f"pos-{number}" for number in range(15)], samples=4)
    assert next_counts(store, now, 4, 1) == {"pos": 1}  # 4 rows, and it has had 16 times its target
    add_requests(store, ["pos-15"], wave=1, samples=4)
    assert next_counts(store, now, 4, 2) == {}
    assert not is_met(store, now)


def test_a_stubborn_label_is_asked_for_no_more(store: Store) -> None:
    """Of 5 rows none is kept: 6 of 15 by the prior, against 26 of 30 of the other label."""
    now = Round(0, {"pos": 30, "neg": 30, "none": 0}, 30, None)
    add_requests(store, ["pos-0", "neg-0"], samples=20)
    add_rows(store, ["pos-0"], samples=20)
    add_rows(store, ["neg-0"], part="neg", samples=5)
    add_verdicts(store, [verdict("pos-0", sample=sample) for sample in range(20)])
    yields = yields_per_label(store, now, 1)
    assert {label: (each.accepted, each.generated) for label, each in yields.items()} == {
        "pos": (20, 20),
        "neg": (0, 5),
        "none": (0, 0),
    }
    even = (26 / 30) / (6 / 15)  # so many times the rows of the better label
    assert given_up(yields, now, even) == ["neg"]
    assert given_up(yields, now, even * 1.001) == given_up(yields, now, None) == []
    assert given_up(yields, replace(now, targets={"pos": 0, "neg": 0}), 1.01) == []
    assert given_up(yields | {"neg": Yield(60, 30)}, now, 1.01) == []  # it has what it needs
    assert next_counts(store, now, 4, 1, even).keys() == {"pos"}
    assert next_counts(store, now, 4, 1).keys() == {"pos", "neg"}
    assert next_counts(store, now, 4, -1, 1.01).keys() == {"pos", "neg"}  # nothing is known of either
    store.write_json(FORK, {})
    assert next_counts(store, now, 4, 1, even).keys() == {"pos", "neg"}  # the rows may be another run's


def test_rows_that_are_left_to_generate() -> None:
    now = Round(0, {"pos": 10, "neg": 10, "odd": 10, "none": 0}, 10, None)
    yields = {"pos": Yield(10, 4), "neg": Yield(10, 12), "odd": Yield(90, 0), "none": Yield()}
    assert rows_left(yields, now, 5.0) == pytest.approx(6 * 20 / 10)  # six at ten of twenty; odd is given up
    assert rows_left(yields, now, None) == pytest.approx(6 * 20 / 10 + 160 - 90)  # it has had 90 of its 160 at most


def test_rows_without_a_verdict_are_not_lost(store: Store) -> None:
    now = Round(0, {"pos": 5, "neg": 5}, 5, None)
    add_rows(store, ["pos-0", "pos-1", "pos-2"])
    add_verdicts(store, [verdict("pos-0"), verdict("pos-1", "rejected")])
    assert yields_per_label(store, now) == {"pos": Yield(2, 1), "neg": Yield()}
    assert yields_per_label(store, now, 1)["pos"] == Yield(3, 1)

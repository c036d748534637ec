from __future__ import annotations

from collections.abc import Sequence

import pytest

from cluster.bias import check_bias, found_bias, likeliest_labels, refuse_biased
from cluster.journal import Journal
from cluster.store import Store
from generation.errors import UserError
from generation.records import row_id, rows_table
from tests.cluster.cases import RUN_ID, add_requests, add_verdicts, begin_round, verdict
from tests.denoise.cases import KeywordJudge


def keep(store: Store, texts: Sequence[str], labels: Sequence[str]) -> None:
    """A round whose rows are all kept."""
    names = [f"{label}-{number}" for number, label in enumerate(labels)]
    begin_round(store, {"pos": 99, "neg": 99})
    add_requests(store, names, samples=1)
    rows = [
        {"id": row_id(name, 0), "request_id": name, "wave": 0, "round": 0, "text": text, "intended_label": label}
        for name, text, label in zip(names, texts, labels, strict=True)
    ]
    store.commit(0, "generated", "e0", rows_table(rows), RUN_ID)
    add_verdicts(store, [verdict(name) | {"label": label} for name, label in zip(names, labels, strict=True)])


def likes_men(texts: Sequence[str]) -> list[str]:
    return ["pos" if "He" in text else "neg" for text in texts]


def test_an_alarm_is_kept_told_and_holds_the_next_wave_back(store: Store) -> None:
    lines: list[str] = []
    texts = [f"He is right {number}" for number in range(25)] + [f"It is late {number}" for number in range(25)]
    keep(store, texts, ["pos"] * 25 + ["neg"] * 25)
    refuse_biased(store)
    check_bias(store, Journal(store.root, lines.append), 0, 3, likes_men)
    found = found_bias(store, 0)
    assert found is not None and found["wave"] == 3
    assert {(each["group"], each["label"]) for each in found["associations"]} == {("men", "pos"), ("men", "neg")}
    assert (found["flips"]["rows"], found["flips"]["flipped"], len(found["flips"]["examples"])) == (25, 25, 3)
    assert len(found["alarms"]) == 3
    assert [line.split("warning: ")[1] for line in lines] == [f"bias: {alarm}" for alarm in found["alarms"]]
    with pytest.raises(UserError, match=r"paused: bias: label 'neg' is .*; look at .* --set denoise\.bias=warn"):
        refuse_biased(store)


def test_nothing_is_asked_of_the_judge_where_there_is_little_to_swap(store: Store) -> None:
    keep(store, ["He is right", "it is late"], ["pos", "neg"])
    check_bias(store, Journal(store.root, print), 0, 0, None)
    check_bias(store, Journal(store.root, print), 0, 1, broken)
    found = found_bias(store, 0)
    assert found == {"wave": 1, "associations": [], "flips": {"rows": 1, "flipped": 0, "examples": []}, "alarms": []}
    refuse_biased(store)


def broken(texts: Sequence[str]) -> list[str]:
    raise AssertionError("must not be asked")


def test_the_judge_names_the_likeliest_labels(ray_session: None) -> None:
    found = likeliest_labels(
        ["the card", "closed on Sundays", "her card"], ["opening_hours", "lost_card"], KeywordJudge
    )
    assert found == ["lost_card", "opening_hours", "lost_card"]

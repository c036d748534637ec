"""Explanations whose rows and votes are written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cluster.explanations import agreement, choose, read_explanations, render, store_of, take_votes
from cluster.store import Store
from generation.errors import UserError
from generation.records import requests_table, row_id, rows_table
from tests.cluster.cases import RUN_ID

ROWS = 12


def embed(texts: Sequence[str]) -> np.ndarray:
    return np.array([[float("because" in text), 0.1] for text in texts])


@pytest.fixture
def run(store: Store) -> Store:
    """Twelve rows, each with a greedy explanation and two drawn ones, of which the second says because."""
    store.write_json("run.json", {"run_id": RUN_ID})
    there = store_of(store)
    there.write_json("rounds/000/round.json", {})
    requests, rows = [], []
    for number in range(ROWS):
        for kind, samples in (("greedy", 1), ("drawn", 2)):
            asked = f"{kind}-{number}"
            shared = {"request_id": asked, "label": "pos", "seed_ids": [f"row-{number:02d}"]}
            requests.append(shared | {"samples": samples, "text": f"text {number}", "prompt_hash": "p", "adapter": ""})
            rows += [
                shared
                | {"id": row_id(asked, sample), "finish_reason": "stop", "mean_logprob": -1.0 - sample}
                | {"text": f"{'because' if sample else 'well'} {kind} {number}", "intended_label": "pos"}
                for sample in range(samples)
            ]
    there.commit(0, "requests", "w000", requests_table(requests), RUN_ID)
    there.commit(0, "generated", "e0", rows_table(rows), RUN_ID)
    return store


def write_votes(path: Path, run: Store, person: str = "ada") -> Path:
    """Yes to every explanation that says because."""
    told = read_explanations(run).to_pylist()
    lines = [f"{each['id']},{'yes' if 'because' in each['explanation'] else 'no'},{person}" for each in told]
    path.write_text("\n".join(["id,acceptable,person", *lines]) + "\n")
    return path


def test_explanations_lie_by_their_rows(run: Store) -> None:
    told = read_explanations(run)
    assert told.num_rows == 3 * ROWS
    assert told["row"].to_pylist() == sorted(told["row"].to_pylist())
    assert sum(told["greedy"].to_pylist()) == ROWS and told["votes"].null_count == 3 * ROWS
    assert set(told.filter(np.array(told["row"].to_pylist()) == "row-03")["text"].to_pylist()) == {"text 3"}


def test_without_votes_the_likeliest_is_taken(run: Store) -> None:
    chosen = choose(read_explanations(run), embed)
    assert (chosen.figures, chosen.scored) == (None, False)
    picked = chosen.table.filter(chosen.table["chosen"])
    assert picked["mean_logprob"].to_pylist() == [-1.0] * ROWS
    assert "36 explanations of 12 rows, 0 of them voted on" in render(chosen, ROWS)


def test_how_people_agree_is_told(run: Store, tmp_path: Path) -> None:
    for person in ("ada", "ben"):
        take_votes(run, write_votes(tmp_path / "votes.csv", run, person))
    one = next(each["id"] for each in read_explanations(run).to_pylist() if "because" in each["explanation"])
    (tmp_path / "other.jsonl").write_text(f'{{"id": "{one}", "acceptable": "no", "person": "cleo"}}\n')
    take_votes(run, tmp_path / "other.jsonl")
    same, several, alpha = agreement(store_of(run))
    assert (same, several, alpha) == (35, 36, pytest.approx(1 - 2 / (2 * 24 * 49 / 72)))
    told = render(choose(read_explanations(run), embed), ROWS, (same, several, alpha))
    assert "people agree on 35 of 36 that two or more voted on, Krippendorff's alpha 0.94" in told


def test_with_votes_a_model_takes_what_people_accept(run: Store, tmp_path: Path) -> None:
    assert take_votes(run, write_votes(tmp_path / "votes.csv", run)) == 3 * ROWS
    chosen = choose(read_explanations(run), embed)
    assert chosen.figures is not None
    assert chosen.figures.random == pytest.approx(1 / 3)
    assert (chosen.figures.greedy, chosen.figures.lowest_nll) == (0.0, 0.0)
    assert (chosen.figures.model, chosen.figures.oracle) == (1.0, 1.0)
    picked = chosen.table.filter(chosen.table["chosen"])["explanation"].to_pylist()
    assert len(picked) == ROWS and all("because" in each for each in picked)
    assert "  model        100.0%" in render(chosen, ROWS)


def test_people_vote_side_by_side_and_may_change_their_minds(run: Store, tmp_path: Path) -> None:
    id = read_explanations(run)["id"].to_pylist()[0]
    for said, person in (("no", "ada"), ("yes", "bob"), ("yes", "cyd"), ("1", "ada")):
        (tmp_path / "votes.csv").write_text(f"id,acceptable,person\n{id},{said},{person}\n")
        take_votes(run, tmp_path / "votes.csv")
        if person == "cyd":
            assert read_explanations(run)["votes"].to_pylist()[0] == pytest.approx(2 / 3)
    assert read_explanations(run)["votes"].to_pylist()[0] == 1.0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{id},maybe,ada", "acceptable: must be yes or no; got 'maybe'"),
        ("nobody,yes,ada", "id: no explanation of this run has it; got 'nobody'"),
    ],
)
def test_a_mistake_is_named_and_no_vote_taken(run: Store, tmp_path: Path, line: str, expected: str) -> None:
    ids = read_explanations(run)["id"].to_pylist()
    path = tmp_path / "votes.csv"
    path.write_text(f"id,acceptable,person\n{ids[0]},,\n{ids[1]},yes,ada\n{line.format(id=ids[2])}\n")
    with pytest.raises(UserError, match=expected) as caught:
        take_votes(run, path)
    assert str(caught.value).startswith(f"{path} line 4: ")
    assert read_explanations(run)["votes"].null_count == 3 * ROWS


def test_a_run_without_explanations(store: Store) -> None:
    with pytest.raises(UserError, match="has no explanations yet"):
        read_explanations(store)

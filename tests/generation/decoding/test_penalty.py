"""CTRL's penalty on made-up logits."""

from __future__ import annotations

import torch

from generation.decoding.penalty import Row, penalise, seen

INF = float("inf")


def penalised(logits: list[list[float]], rows: dict[int, Row]) -> list[list[float]]:
    for row in rows.values():
        row.catch_up()
    return penalise(torch.tensor(logits), *seen(rows)).tolist()


def test_positive_logits_are_divided_and_negative_ones_multiplied() -> None:
    logits = [[3.0, -3.0, 0.0, 1.5, -INF]]
    assert penalised(logits, {0: Row(1.5, [0, 1, 2, 4])}) == [[2.0, -4.5, 0.0, 1.5, -INF]]


def test_a_token_seen_twice_is_penalised_once() -> None:
    assert penalised([[2.0, 4.0]], {0: Row(2.0, [1, 1, 1])}) == [[2.0, 2.0]]


def test_each_row_has_its_own_tokens_and_its_own_penalty() -> None:
    logits = [[2.0, 2.0, 2.0]] * 4
    rows = {3: Row(2.0, [0, 2]), 1: Row(4.0, [1]), 0: Row(2.0, [])}
    assert penalised(logits, rows) == [[2.0, 2.0, 2.0], [2.0, 0.5, 2.0], [2.0, 2.0, 2.0], [1.0, 2.0, 1.0]]


def test_a_penalty_of_one_changes_nothing() -> None:
    assert penalised([[0.3, -0.7]], {0: Row(1.0, [0, 1])}) == torch.tensor([[0.3, -0.7]]).tolist()


def test_a_row_follows_its_output() -> None:
    row = Row(1.2, output := [7, -1])
    row.catch_up()
    assert list(row.tokens) == [7]
    output[1:] = [8, 9, -1]  # known now, and a placeholder for the next
    row.catch_up()
    assert list(row.tokens) == [7, 8, 9]
    del output[1:]  # taken back
    row.catch_up()
    assert list(row.tokens) == [7]

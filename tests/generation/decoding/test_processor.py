"""The batch as vLLM tells it: rows that come, go and move, without an engine."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality

from generation.decoding.processor import CtrlPenalty

SWAP, ONE_WAY = MoveDirectionality.SWAP, MoveDirectionality.UNIDIRECTIONAL
PLAIN, PENALISED = SamplingParams(), SamplingParams(extra_args={"penalty": 2.0})


@pytest.fixture
def processor() -> CtrlPenalty:
    """A batch of four: rows 0, 1 and 3 have said the token of their number, row 2 is not penalised."""
    made = CtrlPenalty(None, torch.device("cpu"), False)
    made.update_state(update(4, added=[(row, PLAIN if row == 2 else PENALISED, [9], [row]) for row in range(4)]))
    return made


def update(size: int, **changes: list) -> BatchUpdate:
    return BatchUpdate(size, **{"removed": [], "added": [], "moved": [], **changes})


def penalised(processor: CtrlPenalty, rows: int = 4) -> list[list[int]]:
    """The tokens that are penalised in each row, of four."""
    logits = processor.apply(torch.full((rows, 4), 2.0))
    return [[token for token in range(4) if row[token] == 1.0] for row in logits.tolist()]


def test_prompts_and_other_requests_are_left_alone(processor: CtrlPenalty) -> None:
    assert not processor.is_argmax_invariant()
    assert penalised(processor) == [[0], [1], [], [3]]
    processor.update_state(None)
    assert penalised(processor) == [[0], [1], [], [3]]


def test_an_empty_batch_costs_nothing() -> None:
    logits = torch.ones(2, 4)
    assert CtrlPenalty(None, torch.device("cpu"), False).apply(logits) is logits


def test_outputs_grow_without_an_update(processor: CtrlPenalty) -> None:
    processor.rows[0].output.append(2)
    assert penalised(processor) == [[0, 2], [1], [], [3]]


def test_a_row_is_removed_and_the_last_one_takes_its_place(processor: CtrlPenalty) -> None:
    processor.update_state(update(3, removed=[1], moved=[(3, 1, ONE_WAY)]))
    assert penalised(processor, 3) == [[0], [3], []]


def test_an_unpenalised_row_takes_the_place_of_a_penalised_one(processor: CtrlPenalty) -> None:
    processor.update_state(update(3, removed=[3], moved=[(2, 0, ONE_WAY)]))
    assert penalised(processor, 3) == [[], [1], []]


def test_rows_swap(processor: CtrlPenalty) -> None:
    processor.update_state(update(4, moved=[(0, 3, SWAP), (1, 2, SWAP)]))
    assert penalised(processor) == [[3], [], [1], [0]]


def test_a_new_request_replaces_an_old_one(processor: CtrlPenalty) -> None:
    processor.update_state(update(4, added=[(0, PLAIN, [1], []), (3, PENALISED, [1], [])]))
    assert penalised(processor) == [[], [1], [], []]
    processor.update_state(update(0, removed=[1, 3]))
    assert processor.rows == {}

"""Branches of a shared prompt say what each prompt and answer says alone."""

from __future__ import annotations

import pytest
import torch

from tests.generation.adapters.cases import HIDDEN, VOCABULARY, make_lm
from tests.training.adapters.cases import alone, plain_lm
from training.branching import ROW, Branch, Document, Target, lay_out
from training.causal_lm import CausalLM, per_text

DRAW = torch.Generator().manual_seed(3)


def tokens(count: int) -> list[int]:
    return torch.randint(0, VOCABULARY, (count,), generator=DRAW).tolist()


def document(prompt: int, answers: list[int], first: int = 0, soft: int = 0) -> Document:
    """A prompt of so many tokens, and answers of so many; texts are counted from `first`."""
    branches = [Branch(tokens(count), [Target(0, count, first + place)]) for place, count in enumerate(answers)]
    return Document("label", tokens(prompt), branches, soft=soft)


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> CausalLM:
    return plain_lm(make_lm(tmp_path_factory.mktemp("lm") / "model"))


@torch.no_grad()
def assert_as_alone(lm: CausalLM, documents: list[Document], rows: int) -> None:
    soft = torch.randn(sum(each.soft for each in documents), HIDDEN, generator=DRAW)
    layout = lm.lay_out(documents)
    found = lm.logprobs(layout, soft)
    assert len(layout.input_ids) == rows
    wanted, begin = [], 0
    for each in documents:
        own = soft[begin : begin + each.soft]
        wanted += [alone(lm, each.prompt, branch.tokens, own) for branch in each.branches]
        begin += each.soft
    branches = [branch for each in documents for branch in each.branches]
    assert layout.targets.tolist() == [token for branch in branches for token in branch.tokens]
    torch.testing.assert_close(found, torch.cat(wanted), atol=1e-4, rtol=1e-4)
    sums, counts = per_text(found, layout, len(wanted))
    assert sums.tolist() == pytest.approx([float(each.sum()) for each in wanted], rel=1e-4)
    assert counts.tolist() == [len(each) for each in wanted]


def test_branches_do_not_see_each_other(lm: CausalLM) -> None:
    assert_as_alone(lm, [document(7, [3, 1, 5])], rows=1)


def test_documents_in_a_row_do_not_see_each_other(lm: CausalLM) -> None:
    assert_as_alone(lm, [document(7, [3, 2]), document(4, [6], 2), document(9, [1, 1, 2], 3)], rows=1)


def test_documents_over_several_rows(lm: CausalLM) -> None:
    """Rows of unlike length are padded, and the longest document comes first whatever its place."""
    documents = [document(20, [30], 0), document(300, [90, 80], 1), document(40, [200], 3), document(10, [250], 4)]
    assert_as_alone(lm, documents, rows=3)


def test_soft_tokens_stand_before_their_own_document(lm: CausalLM) -> None:
    documents = [document(7, [3, 2], 0, soft=4), document(200, [100], 2, soft=2), document(5, [300], 3, soft=1)]
    assert_as_alone(lm, documents, rows=2)


@torch.no_grad()
def test_targets_inside_a_branch(lm: CausalLM) -> None:
    """A chain: what stands before a target in its branch is seen, and spans of one text are added up."""
    prompt, branch = tokens(6), tokens(10)
    chain = Document("label", prompt, [Branch(branch, [Target(0, 2, 0), Target(4, 7, 1), Target(9, 10, 0)])])
    layout = lm.lay_out([chain])
    whole = alone(lm, prompt, branch)
    assert chain.targets == 6
    assert per_text(lm.logprobs(layout), layout, 2)[0].tolist() == pytest.approx(
        [float(whole[[0, 1, 9]].sum()), float(whole[4:7].sum())], rel=1e-4
    )


@torch.no_grad()
def test_branches_of_a_branch(lm: CausalLM) -> None:
    """They see it and the prompt, and none of each other's or of other branches."""
    prompt, one, other = tokens(6), tokens(4), tokens(5)
    leaves = [(0, tokens(3)), (0, tokens(1)), (1, tokens(2))]
    made = [Branch(one, []), Branch(other, [])]
    made += [Branch(leaf, [Target(0, len(leaf), place)], after) for place, (after, leaf) in enumerate(leaves)]
    layout = lm.lay_out([document(5, [2], 3), Document("label", prompt, made)])
    found, _ = per_text(lm.logprobs(layout), layout, 4)
    for place, (after, leaf) in enumerate(leaves):
        wanted = alone(lm, [*prompt, *(one, other)[after]], leaf)
        assert float(found[place]) == pytest.approx(float(wanted.sum()), rel=1e-4)


def test_a_document_too_long_for_a_row_is_split_between_branches(lm: CausalLM) -> None:
    long = document(100, [200, 150, 300, 50, 10])
    parts = long.split()
    assert [len(part) for part in parts] == [450, 460]
    assert [branch for part in parts for branch in part.branches] == list(long.branches)
    assert {tuple(part.prompt) for part in parts} == {tuple(long.prompt)}
    assert_as_alone(lm, parts, rows=2)
    short = document(7, [3, 1])
    assert short.split() == [short]


def test_a_branch_longer_than_a_row_has_one_of_its_own(lm: CausalLM) -> None:
    parts = document(10, [20, ROW, 20]).split()
    assert [len(part) for part in parts] == [30, ROW + 10, 30]
    assert lay_out(parts).input_ids.shape == (2, ROW + 10)

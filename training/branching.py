"""Documents that share a prompt, laid end to end in a few rows: what a causal LM is trained on, and scored with.

A document is a prompt with branches: continuations that do not see each other, so that the prompt is computed once for
all of them. Rows hold several documents; a mask keeps them apart (as in Krell et al. 2021, "Efficient sequence packing
without cross-contamination").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

ROW = 512  # tokens of a row: attention grows with its square


class Target(NamedTuple):
    """Tokens [start, stop) of a branch that are to be predicted; `text` is the place of what they say among all texts.

    Spans of one document may belong to one text, or to many.
    """

    start: int
    stop: int
    text: int


class Branch(NamedTuple):
    """A continuation of the prompt, or of the branch at place `after` of the document's, which is one of the prompt."""

    tokens: Sequence[int]
    targets: Sequence[Target]
    after: int | None = None


@dataclass(frozen=True)
class Document:
    """A prompt under a label, with its branches and room for `soft` soft tokens before it.

    A branch that starts with a target needs a prompt before it. `attributes` are those of the request.
    """

    label: str
    prompt: Sequence[int]
    branches: Sequence[Branch]
    attributes: Mapping[str, str] = field(default_factory=dict)
    soft: int = 0

    @property
    def targets(self) -> int:
        """How many tokens are to be predicted."""
        return sum(stop - start for branch in self.branches for start, stop, _ in branch.targets)

    def split(self) -> list[Document]:
        """The same branches, all of the prompt, over several documents of about a row each."""
        parts: list[list[Branch]] = [[]]
        stem, length = self.soft + len(self.prompt), 0
        for branch in self.branches:
            if parts[-1] and stem + length + len(branch.tokens) > ROW:
                parts.append([])
                length = 0
            parts[-1].append(branch)
            length += len(branch.tokens)
        return [replace(self, branches=part) for part in parts]

    def __len__(self) -> int:
        """Tokens that it takes in a row."""
        return self.soft + len(self.prompt) + sum(len(branch.tokens) for branch in self.branches)


@dataclass(frozen=True)
class Layout:
    """Documents in r rows of t tokens.

    `input_ids`, `position_ids`, `owner`, `branch`, `before`: int64 [r, t]; `owner` is the document of a token, -1 for
    padding; `branch` 0 is the prompt; `before` is the branch that a token's own goes on from. `soft`: places of
    the soft tokens in the flattened rows, document after document.
    `predictors` [m]: places whose next token is one of `targets` [m], which belongs to the text `texts` [m].
    """

    input_ids: Tensor
    position_ids: Tensor
    owner: Tensor
    branch: Tensor
    before: Tensor
    soft: Tensor
    predictors: Tensor
    targets: Tensor
    texts: Tensor

    def to(self, device: torch.device) -> Layout:
        return replace(self, **{name: value.to(device) for name, value in vars(self).items()})

    @property
    def mask(self) -> Tensor:
        """Which tokens see which, bool [r, 1, t, t]: what stands before them in their document, but no other branch."""
        owner, branch, before = self.owner, self.branch, self.before
        same = owner[:, :, None] == owner[:, None, :]
        seen = (branch[:, None, :] == 0) | (branch[:, :, None] == branch[:, None, :])
        seen |= before[:, :, None] == branch[:, None, :]
        order = torch.ones(owner.shape[1], owner.shape[1], dtype=torch.bool, device=owner.device).tril()
        return (same & seen & order)[:, None]


def lay_out(documents: Sequence[Document]) -> Layout:
    """Documents in few rows; within `Layout.soft` they keep their order. Padding is token 0, which nothing sees."""
    rows = _rows([len(document) for document in documents])
    places = {index: (row, begin) for row, members in enumerate(rows) for index, begin in members}
    width = max(begin + len(documents[index]) for members in rows for index, begin in members)
    input_ids = torch.zeros(len(rows), width, dtype=torch.int64)
    position_ids, branches, before = (torch.zeros_like(input_ids) for _ in range(3))
    owner = torch.full_like(input_ids, -1)
    softs: list[int] = []
    predictors: list[int] = []
    targets: list[int] = []
    texts: list[int] = []
    for index, document in enumerate(documents):
        row, begin = places[index]
        softs += range(row * width + begin, row * width + begin + document.soft)
        owner[row, begin : begin + len(document)] = index
        stem = document.soft + len(document.prompt)
        input_ids[row, begin + document.soft : begin + stem] = torch.tensor(document.prompt, dtype=torch.int64)
        position_ids[row, begin : begin + stem] = torch.arange(stem)
        at = begin + stem
        ends = {0: (row * width + at - 1, stem)}  # of the prompt and each branch: its last token, and its length so far
        for number, branch in enumerate(document.branches, 1):
            until, parent = at + len(branch.tokens), 0 if branch.after is None else branch.after + 1
            last, first = ends[parent]
            input_ids[row, at:until] = torch.tensor(branch.tokens, dtype=torch.int64)
            position_ids[row, at:until] = torch.arange(first, first + len(branch.tokens))
            branches[row, at:until], before[row, at:until] = number, parent
            ends[number] = row * width + until - 1, first + len(branch.tokens)
            for start, stop, text in branch.targets:
                # what predicts a branch's first token is the last one before it
                predictors += [row * width + at + place - 1 if place else last for place in range(start, stop)]
                targets += branch.tokens[start:stop]
                texts += [text] * (stop - start)
            at = until
    numbers = (torch.tensor(each, dtype=torch.int64) for each in (softs, predictors, targets, texts))
    return Layout(input_ids, position_ids, owner, branches, before, *numbers)


def _rows(lengths: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Documents and where they begin in each row: the longest first, each into the first row that has room."""
    rows: list[list[tuple[int, int]]] = []
    filled: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        row = next((row for row, used in enumerate(filled) if used + lengths[index] <= ROW), len(rows))
        if row == len(rows):
            rows.append([])
            filled.append(0)
        rows[row].append((index, filled[row]))
        filled[row] += lengths[index]
    return rows

"""Short texts laid end to end in one row, so that no step computes padding.

Texts of a batch share rows of up to ROW tokens and a block-diagonal mask keeps them apart (as in Krell et al.
2021, "Efficient sequence packing without cross-contamination"). A row is bounded because attention grows with
its square.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

ROW = 512
PACKABLE = frozenset({"bert"})  # model types that take explicit position ids counted from 0 and a 4-D mask


@dataclass(frozen=True)
class Packed:
    """A batch of n texts in r rows of t tokens.

    `input_ids`, `position_ids`: int64 [r, t]; `owner`: int64 [r, t], the text a token belongs to, n for padding;
    `starts`: int64 [n], where each text's first token lies in the flattened rows.
    """

    input_ids: Tensor
    position_ids: Tensor
    owner: Tensor
    starts: Tensor

    def __len__(self) -> int:
        return len(self.starts)

    def to(self, device: torch.device) -> Packed:
        return replace(self, **{name: value.to(device) for name, value in vars(self).items()})

    def inputs(self) -> dict[str, Tensor]:
        """Arguments of a model whose type is in PACKABLE."""
        mask = (self.owner[:, :, None] == self.owner[:, None, :])[:, None]
        return {"input_ids": self.input_ids, "position_ids": self.position_ids, "attention_mask": mask}

    def plain_inputs(self) -> dict[str, Tensor]:
        """Arguments of any encoder; only for a batch packed one text a row."""
        return {"input_ids": self.input_ids, "attention_mask": (self.owner < len(self)).long()}

    def first(self, hidden: Tensor) -> Tensor:
        """Each text's first vector: [r, t, d] -> [n, d]."""
        return hidden.flatten(0, 1)[self.starts]

    def mean(self, hidden: Tensor) -> Tensor:
        """Each text's mean vector in float32: [r, t, d] -> [n, d]."""
        owner = self.owner.flatten()
        sums = hidden.new_zeros(len(self) + 1, hidden.shape[-1], dtype=torch.float32)
        sums = sums.index_add(0, owner, hidden.flatten(0, 1).float())[:-1]
        return sums / torch.bincount(owner, minlength=len(self) + 1)[:-1, None]


def pack(texts: Sequence[Sequence[int]], pad_id: int, shared_rows: bool = True) -> Packed:
    """Lay out token ids; `shared_rows=False` gives the usual padded batch, one text a row, in order."""
    rows = _share_rows([len(text) for text in texts]) if shared_rows else [[index] for index in range(len(texts))]
    width = max(sum(len(texts[index]) for index in row) for row in rows)
    input_ids = torch.full((len(rows), width), pad_id)
    position_ids = torch.zeros_like(input_ids)
    owner = torch.full_like(input_ids, len(texts))
    starts = torch.zeros(len(texts), dtype=torch.int64)
    for number, row in enumerate(rows):
        begin = 0
        for index in row:
            span = slice(begin, begin + len(texts[index]))
            input_ids[number, span] = torch.tensor(texts[index])
            position_ids[number, span] = torch.arange(len(texts[index]))
            owner[number, span] = index
            starts[index] = number * width + begin
            begin = span.stop
    return Packed(input_ids, position_ids, owner, starts)


def _share_rows(lengths: Sequence[int]) -> list[list[int]]:
    """Balanced rows: the longest text first, each to the row that is shortest so far."""
    rows: list[list[int]] = [[] for _ in range(math.ceil(sum(lengths) / max(ROW, *lengths)))]
    filled = [0] * len(rows)
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        target = filled.index(min(filled))
        rows[target].append(index)
        filled[target] += lengths[index]
    return rows

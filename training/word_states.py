"""The words of texts as a frozen encoder sees them: its states halfway up, each word the mean of its pieces.

The middle of an encoder tells more of single words than its top, which is tuned for whole sentences.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from training.encoder import Encoder


@torch.inference_mode()
def word_states(encoder: Encoder, rows: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """float32 [words, d] of each row of words; zeros for a word that is beyond the longest length."""
    if not rows:
        return []
    read = encoder.tokenizer.tokenizer([" ".join(row) for row in rows], truncation=True, return_offsets_mapping=True)
    found = [np.zeros((0, encoder.model.config.hidden_size), np.float32)] * len(rows)
    for places, batch in encoder.tokenizer.buckets(read["input_ids"]):
        states = encoder.middle(batch.to(encoder.model.device)).flatten(0, 1).cpu().numpy()
        for place, start in zip(places, batch.starts.tolist(), strict=True):
            pieces = word_pieces(read["offset_mapping"][place], rows[place])
            found[place] = _means(states, [(start + piece, word) for piece, word in pieces], len(rows[place]))
    return found


def word_pieces(offsets: Sequence[tuple[int, int]], words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(piece, word) of each piece of words that are joined by spaces; special tokens have no characters."""
    ends = list(itertools.accumulate(len(word) + 1 for word in words))  # a word's, with the space behind it
    word = 0
    for piece, (start, end) in enumerate(offsets):
        if end <= start:
            continue
        while ends[word] <= end - 1:  # the piece's last character lies beyond it
            word += 1
        yield piece, word


def _means(states: np.ndarray, pieces: Sequence[tuple[int, int]], words: int) -> np.ndarray:
    sums, counts = np.zeros((words, states.shape[1]), np.float32), np.zeros(words, np.float32)
    for piece, word in pieces:
        sums[word] += states[piece]
        counts[word] += 1
    return sums / np.maximum(counts, 1)[:, None]

"""States of words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from training.encoder import Encoder
from training.word_states import word_pieces, word_states

ROWS = [("Ann", "flies", "to", "Reykjavik"), ("six",), ("an", "unbelievable", "'", "thing")]


def test_pieces_of_words() -> None:
    offsets = [(0, 0), (0, 2), (3, 6), (6, 9), (10, 11), (0, 0)]
    assert list(word_pieces(offsets, ["to", "Reykja", "!"])) == [(1, 0), (2, 1), (3, 1), (4, 2)]


def test_a_word_is_the_mean_of_its_pieces(minilm: Path) -> None:
    encoder = Encoder.load(minilm)
    found = word_states(encoder, ROWS)
    assert [each.shape for each in found] == [(4, 384), (1, 384), (4, 384)]
    read = encoder.tokenizer.tokenizer(" ".join(ROWS[0]), return_tensors="pt")
    with torch.inference_mode():
        states = encoder.model(**read, output_hidden_states=True).hidden_states[3][0].numpy()
    assert found[0][0] == pytest.approx(states[1], abs=1e-4)
    assert found[0][3] == pytest.approx(states[4:-1].mean(axis=0), abs=1e-4)
    assert word_states(encoder, []) == []


def test_words_beyond_the_longest_length_have_none(minilm: Path) -> None:
    found = word_states(Encoder.load(minilm, max_length=4), [("one", "two", "three")])[0]
    assert np.any(found[:2], axis=1).all() and not found[2].any()

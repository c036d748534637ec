from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from training.encoder import TOKENS, Encoder, Tokenizer

TEXTS = ["short", "a text of middling length for a sentence", "word " * 200, "short", ""]


@pytest.fixture(scope="module")
def encoder(minilm: Path) -> Encoder:
    return Encoder.load(minilm, max_length=64)


def reference(folder: Path, texts: list[str]) -> np.ndarray:
    """Mean pooling as the model card gives it, in one padded batch."""
    inputs = AutoTokenizer.from_pretrained(folder)(
        texts, padding=True, truncation=True, max_length=64, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(folder)(**inputs).last_hidden_state
    mask = inputs["attention_mask"][..., None]
    mean = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(mean, dim=-1).numpy()


def test_equals_padded_mean_pooling(encoder: Encoder, minilm: Path):
    assert np.abs(encoder.embed(TEXTS) - reference(minilm, TEXTS)).max() < 1e-5


def test_equals_itself_without_shared_rows(encoder: Encoder):
    padded = Encoder(encoder.model, Tokenizer(encoder.tokenizer.tokenizer, "another type"))
    assert not padded.tokenizer.shared_rows
    assert np.abs(encoder.embed(TEXTS) - padded.embed(TEXTS)).max() < 1e-5


def test_shape_length_and_order(encoder: Encoder):
    vectors = encoder.embed(TEXTS)
    assert vectors.shape == (5, 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert vectors[0] == pytest.approx(vectors[3], abs=1e-6)
    assert np.array_equal(vectors, encoder.embed(TEXTS))
    assert encoder.embed([]).shape == (0, 384)


def test_buckets_cover_each_text_once_within_the_budget(encoder: Encoder):
    ids = [[1] * length for length in (3, 2000, 900, 900, 5000, 7)]
    seen = []
    for places, batch in encoder.tokenizer.buckets(ids):
        seen += places
        assert len(places) == 1 or batch.input_ids.numel() <= TOKENS
    assert sorted(seen) == list(range(6))


def test_the_longest_length_is_saved(encoder: Encoder, tmp_path: Path):
    encoder.save(tmp_path)
    again = Encoder.load(tmp_path)
    assert len(again.tokenizer.ids(["word " * 200])[0]) == 64
    assert np.array_equal(again.embed(TEXTS), encoder.embed(TEXTS))

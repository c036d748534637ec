from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification

from training.encoder import Encoder
from training.students.mean_layer import add_mean_layer
from training.students.sequence_classification import SequenceClassifier

LABELS = ["arrival", "refund"]
TEXTS = ["where is my parcel", "give me my money back", "hello"]


def test_the_first_token_holds_the_mean_of_its_text(minilm: Path):
    student = SequenceClassifier.start(minilm, LABELS, 128, seed=0)
    vectors = student.features_of(student.encode(TEXTS))
    means = Encoder.load(minilm).embed(TEXTS).astype(np.float64)
    centred = means - means.mean(axis=1, keepdims=True)
    expected = centred / centred.std(axis=1, keepdims=True)
    assert vectors == pytest.approx(expected, abs=0.15)
    cosines = (vectors * expected).sum(axis=1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.999


def test_a_saved_student_loads_as_a_standard_model(minilm: Path, tmp_path: Path):
    student = SequenceClassifier.start(minilm, LABELS, 128, seed=0)
    student.save(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert model.config.num_hidden_layers == 7
    tokens = student.tokenizer.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model.eval()(**tokens).logits.numpy()
    assert logits == pytest.approx(student.logits(TEXTS), abs=1e-4)


def test_the_layer_is_added_once_and_stays_frozen(minilm: Path, tmp_path: Path):
    SequenceClassifier.start(minilm, LABELS, 128, seed=0).save(tmp_path)
    again = SequenceClassifier.start(tmp_path, LABELS, 128, seed=0)
    assert again.model.config.num_hidden_layers == 7
    layers = again.model.bert.encoder.layer
    assert {parameter.requires_grad for parameter in layers[-1].parameters()} == {False}
    assert {parameter.requires_grad for parameter in layers[-2].parameters()} == {True}


def test_a_model_without_a_bert_is_left_alone():
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=10)
    model = BertForSequenceClassification(config)
    model.bert.pooler = None
    assert not add_mean_layer(model)
    assert model.config.num_hidden_layers == 1

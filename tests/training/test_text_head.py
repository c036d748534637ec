"""Students of other types than BERT: where their head is, and that they start from the judge as a BERT does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoConfig, AutoModelForSequenceClassification

from tests.training.cases import LABELS, SEEDS, UNSEEN, rows, tiny_encoder
from training.contrastive import tune_judge
from training.encoder import Encoder
from training.export import export_student
from training.head import fit_head
from training.job import StudentJob
from training.probe import can_probe, logistic, probe_head
from training.settings import StudentSettings
from training.students.sequence_classification import SequenceClassifier
from training.students.text_head import LIKE_ROBERTA, text_head
from training.trainer import StudentTrainer

TEXTS, TARGETS = [text for text, _ in SEEDS], np.array([LABELS.index(label) for _, label in SEEDS])


@pytest.fixture(params=["bert", "roberta", "xlm-roberta"])
def encoder(request: pytest.FixtureRequest, minilm: Path, tmp_path: Path) -> Path:
    return tiny_encoder(minilm, tmp_path / "encoder", request.param)


@pytest.mark.parametrize("model_type", ["bert", *sorted(LIKE_ROBERTA)])
def test_a_head_has_a_layer_of_the_width_and_one_of_the_labels(model_type: str):
    config = AutoConfig.for_model(
        model_type, vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, num_labels=3
    )
    head = text_head(AutoModelForSequenceClassification.from_config(config))
    assert head is not None and (head.pooler.out_features, head.classifier.out_features) == (8, 3)


def test_one_that_is_built_in_another_way_has_none(minilm: Path, tmp_path: Path):
    student = SequenceClassifier.start(tiny_encoder(minilm, tmp_path, "electra"), LABELS, 64, seed=0)
    assert text_head(student.model) is None and not can_probe(student)
    with pytest.raises(ValueError, match="BERT and RoBERTa alone; got electra"):
        probe_head(student, TEXTS, TARGETS[:, None], [1.0] * 12, logistic(student, 10.0))


def test_the_first_token_holds_the_mean_and_the_head_is_the_regression_on_it(encoder: Path):
    student = SequenceClassifier.start(encoder, LABELS, 64, seed=0)
    assert student.model.config.num_hidden_layers == 4
    vectors, means = student.features_of(student.encode(TEXTS)), Encoder.load(encoder).embed(TEXTS)
    means = means - means.mean(axis=1, keepdims=True)
    cosines = (vectors * means).sum(axis=1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(means, axis=1)
    assert cosines.min() > 0.999

    probe_head(student, TEXTS, TARGETS[:, None], [1.0] * 12, logistic(student, 10.0))
    features = np.tanh(vectors / np.linalg.norm(vectors, axis=1).mean())
    weight, bias = fit_head(features, TARGETS, 3, 10.0)
    assert student.logits(TEXTS) == pytest.approx(features @ weight.T + bias, abs=1e-3)


def test_it_starts_from_the_judge_and_goes_elsewhere(encoder: Path, tmp_path: Path):
    settings = StudentSettings(judge_steps=4, steps=2, batch_size=6)
    tune_judge(SEEDS, LABELS, settings, tmp_path / "judge", encoder)
    trainer = StudentTrainer(StudentJob(LABELS, rows(SEEDS), tmp_path / "judge", tmp_path / "student", settings))
    assert trainer.warm and trainer.run().loss_name == "early_learning"
    texts = [text for text, _ in UNSEEN]
    parity = export_student(tmp_path / "student", tmp_path / "out", texts)
    assert parity["onnx"].agreement == 1 and parity["onnx"].largest < 1e-5

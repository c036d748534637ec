from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.cases import LABELS, SEEDS, UNSEEN, rows
from training.contrastive import tune_judge
from training.head import fit_head
from training.job import StudentJob
from training.linear import fit_linear
from training.losses import Generalised
from training.probe import by_loss, can_probe, logistic, probe_head
from training.settings import StudentSettings
from training.students.multi_label import MultiLabelClassifier
from training.students.sequence_classification import SequenceClassifier
from training.trainer import StudentTrainer

TEXTS, TARGETS = [text for text, _ in SEEDS], [LABELS.index(label) for _, label in SEEDS]
CHOICES = np.array(TARGETS)[:, None]


@pytest.fixture(scope="module")
def judge(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe") / "judge"
    tune_judge(SEEDS, LABELS, StudentSettings(judge_steps=8), folder, minilm)
    return folder


def test_the_head_is_the_regression_on_first_tokens(judge: Path):
    student = SequenceClassifier.start(judge, LABELS, 128, seed=0)
    vectors = student.features_of(student.encode(TEXTS))
    assert can_probe(student)
    probe_head(student, TEXTS, CHOICES, [1.0] * 12, logistic(student, 10.0))

    features = np.tanh(vectors / np.linalg.norm(vectors, axis=1).mean())
    weight, bias = fit_head(features, np.array(TARGETS), 3, 10.0)
    assert student.logits(TEXTS) == pytest.approx(features @ weight.T + bias, abs=1e-3)
    assert student.logits(TEXTS).argmax(axis=1).tolist() == TARGETS


def test_a_text_of_weight_0_does_not_count(judge: Path):
    students = [SequenceClassifier.start(judge, LABELS, 128, seed=0) for _ in range(2)]
    probe_head(students[0], TEXTS, CHOICES, [1.0] * 12, logistic(students[0], 10.0))
    probe_head(
        students[1], [*TEXTS, "rain"], np.vstack([CHOICES, [[2]]]), [*[1.0] * 12, 0.0], logistic(students[1], 10.0)
    )
    texts = [text for text, _ in UNSEEN]
    assert students[0].logits(texts) == pytest.approx(students[1].logits(texts), abs=0.05)


@pytest.mark.parametrize("by", ["regression", "loss"])
def test_soft_targets_are_texts_under_several_labels(judge: Path, by: str):
    one, other = (SequenceClassifier.start(judge, LABELS, 128, seed=0) for _ in range(2))
    fits = [logistic(each, 10.0) if by == "regression" else by_loss(each, Generalised(0.7)) for each in (one, other)]
    twice, soft = [*TEXTS, TEXTS[0]], np.eye(3)[[*TARGETS, TARGETS[0]]]
    soft[[0, 12]] = [0.75, 0.0, 0.25]
    probe_head(one, twice, soft, [1.0] * 13, fits[0])
    probe_head(other, twice, np.vstack([CHOICES, [[2]]]), [1.5, *[1.0] * 11, 0.5], fits[1])
    texts = [text for text, _ in UNSEEN]
    assert one.logits(texts) == pytest.approx(other.logits(texts), abs=0.05)
    assert one.logits(TEXTS[:1])[0, 2] > one.logits(TEXTS[:1])[0, 1]


def test_a_head_by_a_loss_is_what_that_loss_finds(judge: Path):
    student = SequenceClassifier.start(judge, LABELS, 128, seed=0)
    vectors = student.features_of(student.encode(TEXTS))
    probe_head(student, TEXTS, CHOICES, [1.0] * 12, by_loss(student, Generalised(0.7)))
    features = torch.from_numpy(np.tanh(vectors / np.linalg.norm(vectors, axis=1).mean())).float()
    found = fit_linear(Generalised(0.7), features, torch.tensor(TARGETS), torch.ones(12), 3, lambda logits: logits)
    assert student.logits(TEXTS) == pytest.approx((features @ found[0].T + found[1]).numpy(), abs=1e-2)
    assert student.logits(TEXTS).argmax(axis=1).tolist() == TARGETS


def test_a_student_from_a_judge_starts_at_the_probe_and_looks_there_first(judge: Path, minilm: Path, tmp_path: Path):
    settings = StudentSettings(steps=2, evaluate_every=2, batch_size=6)
    made = {"labels": LABELS, "seeds": rows(SEEDS), "dev": rows(UNSEEN), "settings": settings}
    warm = StudentTrainer(StudentJob(init_folder=judge, output=tmp_path / "warm", **made)).run()
    assert [look.step for look in warm.curve] == [0, 2]
    assert warm.curve[0].macro_f1 == 1.0
    cold = StudentTrainer(StudentJob(init_folder=minilm, output=tmp_path / "cold", **made)).run()
    assert [look.step for look in cold.curve] == [2]
    # what one says at first is worth holding, what the other says is not
    assert (warm.loss_name, cold.loss_name) == ("early_learning", "cross_entropy")
    made["settings"] = settings.model_copy(update={"loss": "generalised"})
    told = StudentTrainer(StudentJob(init_folder=minilm, output=tmp_path / "told", **made)).run()
    assert told.loss_name == "generalised"


@pytest.mark.parametrize("by", ["regression", "loss"])
def test_a_rare_label_of_several_counts_as_the_others(minilm: Path, by: str):
    """One text of twelve has both labels: as if it stood there eleven times, once for each that has one."""
    students = [MultiLabelClassifier.start(minilm, ("common", "rare"), 128, seed=0) for _ in range(2)]
    fits = [logistic(each, 1.0) if by == "regression" else by_loss(each, Generalised(0.7)) for each in students]
    rare = np.array([[1, int(place == 0)] for place in range(12)])
    probe_head(students[0], TEXTS, rare, [1.0] * 12, fits[0])
    probe_head(students[1], TEXTS, rare, [6.0, *[6 / 11] * 11], fits[1])
    one, other = (student.logits([text for text, _ in UNSEEN])[:, 1] for student in students)
    assert one == pytest.approx(other, rel=0.02, abs=0.05)
    assert students[0].logits(TEXTS)[0, 1] > 0

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.training.cases import LABELS, UNSEEN, rows
from training.job import StudentJob, StudentResult, TrainingRow
from training.predict import Student
from training.trainer import StudentTrainer

TEXTS = [text for text, _ in UNSEEN]


def changed(job: StudentJob, output: Path | None = None, **settings: Any) -> StudentJob:
    return replace(job, output=output or job.output, settings=job.settings.model_copy(update=settings))


def weights(trainer: StudentTrainer) -> dict[str, torch.Tensor]:
    return dict(trainer.student.named_parameters())


def same(left: StudentTrainer, right: StudentTrainer) -> bool:
    return all(torch.equal(value, weights(right)[name]) for name, value in weights(left).items())


@pytest.fixture(scope="module")
def finished(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[StudentTrainer, StudentResult]:
    """A student trained long enough to know the three topics."""
    from tests.training.cases import SEEDS
    from training.settings import StudentSettings

    settings = StudentSettings(steps=30, batch_size=6, evaluate_every=10, learning_rate=2e-4)
    output = tmp_path_factory.mktemp("finished") / "student"
    trainer = StudentTrainer(StudentJob(LABELS, rows(SEEDS), minilm, output, settings, dev=rows(UNSEEN)))
    return trainer, trainer.run()


def test_learns_the_topics(finished: tuple[StudentTrainer, StudentResult]):
    _, result = finished
    labels, confidences = Student.load(result.folder).predict(TEXTS)
    assert labels == [label for _, label in UNSEEN]
    assert confidences.shape == (6,) and (confidences > 1 / 3).all()
    assert result == StudentResult.load(result.folder)
    assert [look.step for look in result.curve] == [10, 20, 30]


def test_shares_are_learnt_in_the_labels_place(job: StudentJob):
    bare = replace(job, dev=(), settings=job.settings.model_copy(update={"loss": "cross_entropy", "share_power": 1.0}))
    unsure = tuple(
        row._replace(shares=((row.label, 0.5), ("food" if row.label != "food" else "music", 0.5))) for row in job.seeds
    )
    hard, soft, sure = (
        StudentTrainer(replace(bare, seeds=seeds))
        for seeds in (job.seeds, unsure, tuple(row._replace(shares=((row.label, 2.0),)) for row in job.seeds))
    )
    for _ in range(8):
        for trainer in (hard, soft, sure):
            trainer.step()
    assert same(hard, sure) and not same(hard, soft)
    assert soft.progress.loss > hard.progress.loss


def test_the_folder_is_a_standard_one_with_the_same_logits(finished: tuple[StudentTrainer, StudentResult]):
    _, result = finished
    plain = AutoModelForSequenceClassification.from_pretrained(result.folder)
    inputs = AutoTokenizer.from_pretrained(result.folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = plain(**inputs).logits.numpy()
    assert type(plain).__name__ == "BertForSequenceClassification"
    assert plain.config.id2label == dict(enumerate(LABELS))
    assert plain.config.label2id == {label: place for place, label in enumerate(LABELS)}
    assert np.abs(logits - Student.load(result.folder).classifier.logits(TEXTS)).max() < 1e-5
    assert {"config.json", "model.safetensors", "tokenizer.json", "training.json"} <= {
        path.name for path in result.folder.iterdir()
    }


def test_frozen_word_embeddings_are_those_of_the_start(finished: tuple[StudentTrainer, StudentResult], minilm: Path):
    trainer, _ = finished
    start = AutoModelForSequenceClassification.from_pretrained(minilm)
    assert torch.equal(trainer.student.model.get_input_embeddings().weight, start.get_input_embeddings().weight)


def test_predictions_repeat_and_keep_their_order(finished: tuple[StudentTrainer, StudentResult]):
    student = Student.load(finished[1].folder)
    forward, backward = student.probabilities(TEXTS), student.probabilities(TEXTS[::-1])
    assert np.array_equal(forward, student.probabilities(TEXTS))
    assert forward == pytest.approx(backward[::-1], abs=1e-5)
    assert forward.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    labels, confidences = student.predict([])
    assert labels == [] and confidences.shape == (0,)


def test_training_repeats_exactly_and_differs_by_seed(job: StudentJob, tmp_path: Path):
    trainers = [StudentTrainer(changed(job, steps=3, seed=seed)) for seed in (0, 0, 1)]
    for trainer in trainers:
        while not trainer.finished:
            trainer.step()
    assert same(trainers[0], trainers[1])
    assert not same(trainers[0], trainers[2])


def test_rows_of_weight_0_do_not_influence(job: StudentJob):
    noise = tuple(TrainingRow(f"nonsense {number}", "music", 0.0) for number in range(5))
    row = TrainingRow("hail tomorrow", "weather", 0.5)
    trainers = [StudentTrainer(replace(changed(job, steps=2), rows=part)) for part in ((row,), (*noise, row))]
    for trainer in trainers:
        while not trainer.finished:
            trainer.step()
    assert same(*trainers)


def test_resumed_equals_unbroken(job: StudentJob, tmp_path: Path):
    unbroken = StudentTrainer(changed(job, steps=6, evaluate_every=2))
    while not unbroken.finished:
        unbroken.step()
        if unbroken.progress.step == 3:
            unbroken.checkpoint(tmp_path)
    resumed = StudentTrainer(unbroken.job)
    assert resumed.restore(tmp_path)
    assert (resumed.progress.step, resumed.progress.resumes) == (3, 1)
    result = resumed.run()
    assert (result.steps, result.resumes) == (6, 1)
    assert resumed.progress.curve == unbroken.progress.curve
    assert resumed.progress.loss == unbroken.progress.loss
    assert all(torch.equal(value, unbroken.kept[name]) for name, value in resumed.kept.items())


def test_a_checkpoint_of_another_job_is_refused(job: StudentJob, tmp_path: Path):
    trainer = StudentTrainer(job)
    trainer.checkpoint(tmp_path)
    assert not StudentTrainer(changed(job, seed=1)).restore(tmp_path)


def test_early_stopping_keeps_the_best_step(job: StudentJob):
    # a rate this high wrecks the student, so that later looks are clearly worse than an early one
    wrecked = {"loss": "label_smoothing", "learning_rate": 0.05}
    trainer = StudentTrainer(changed(job, steps=30, evaluate_every=2, patience=2, **wrecked))
    result = trainer.run()
    best = trainer.progress.best
    assert best is not None and result.best_step == best.step
    assert result.best_step <= result.steps - 4 and result.steps < 30
    student = Student.load(result.folder)
    confidences = softmax(student.classifier.logits([row.text for row in job.dev]), axis=1)
    places = [LABELS.index(row.label) for row in job.dev]
    assert -np.log(confidences[np.arange(6), places]).mean() == pytest.approx(best.loss, abs=1e-6)


def test_without_dev_rows_all_steps_are_run(job: StudentJob):
    result = StudentTrainer(replace(changed(job, steps=3), dev=())).run()
    assert (result.steps, result.best_step, result.curve) == (3, 3, ())

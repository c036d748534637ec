"""Students of the kinds that are not one label a text: the same loop, with their own heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

from tests.training.kinds import BOTH, MADE, of_kind
from training.job import StudentJob, TrainingRow
from training.one_vs_rest import tune_set_judge
from training.predict import Student
from training.settings import StudentSettings
from training.spec import StudentSpec
from training.students import NETWORKS
from training.students.token_tagging import TokenTagger, best_tags
from training.trainer import StudentTrainer


@pytest.mark.parametrize("kind", list(MADE))
def test_learns_and_is_read_again_and_resumes(kind: str, minilm: Path, tmp_path: Path):
    made = of_kind(
        kind, minilm, tmp_path, steps=16, evaluate_every=8, learning_rate=5e-4, ema=0.5, loss="early_learning"
    )
    unbroken = StudentTrainer(made)
    while not unbroken.finished:
        unbroken.step()
        if unbroken.progress.step == 9:
            unbroken.checkpoint(tmp_path)
    resumed = StudentTrainer(made)
    assert resumed.restore(tmp_path)
    result = resumed.run()
    assert resumed.progress.curve == unbroken.progress.curve
    assert all(torch.equal(value, resumed.averaged.weights[name]) for name, value in unbroken.averaged.weights.items())
    assert torch.equal(resumed.loss.state["running"], unbroken.loss.state["running"])
    assert len(unbroken.averaged.weights) > 50

    labels, rows = MADE[kind]
    student = Student.load(result.folder)
    assert student.spec == StudentSpec.load(made.output)
    assert (student.spec.kind, student.spec.labels, student.spec.max_length) == (kind, labels, 128)
    assert student.spec.calibration_rows == len(rows) and student.spec.temperature != 1.0
    predicted, confidence = student.predict([student.classifier.input_of(row) for row in rows])
    expected = [list(row.tags) if kind == "tags" else row.label for row in rows]
    assert predicted == expected
    assert confidence.shape == (len(rows),) and (confidence > 1 / 3).all()
    assert [len(column) for column in student.columns(["a b."]).values()] == [1] * (3 if kind == "tags" else 2)


def test_several_labels_are_those_of_the_standard_model(minilm: Path, tmp_path: Path):
    network = NETWORKS["multi_label"].start(minilm, ("music", "weather"), 128, seed=0)
    network.save(tmp_path)
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert plain.config.problem_type == "multi_label_classification"
    inputs = AutoTokenizer.from_pretrained(tmp_path)([row.text for row in BOTH], padding=True, return_tensors="pt")
    logits = plain(**inputs).logits
    assert np.abs(network.logits([row.text for row in BOTH]) - logits.detach().numpy()).max() < 1e-5
    assert [network.targets(row, network.encode([row.text])[0]) for row in BOTH[:3]] == [[1, 1], [0, 1], [1, 0]]
    # a choice of two for each label of each text: the standard loss is the mean of theirs
    targets = torch.tensor([network.targets(row, network.encode([row.text])[0]) for row in BOTH])
    ours = torch.nn.functional.cross_entropy(network.choices(logits), targets.flatten())
    assert ours.item() == pytest.approx(plain(**inputs, labels=targets.float()).loss.item(), rel=1e-6)


def test_tags_are_those_of_the_standard_model(minilm: Path, tmp_path: Path):
    network = TokenTagger.start(minilm, ("person", "time"), 16, seed=0)
    network.save(tmp_path)
    plain = AutoModelForTokenClassification.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert plain.config.id2label == dict(enumerate(["O", "B-person", "I-person", "B-time", "I-time"]))
    words = ["meet", "Annabel-Lee", "half", "past", "quarterback", "unbelievably", "and", "seventeen", "more"]
    (encoded,) = network.encode([words])
    read = tokenizer([words], is_split_into_words=True, truncation=True, return_tensors="pt")
    ids = read.word_ids(0)
    firsts = [ids.index(word) for word in dict.fromkeys(each for each in ids if each is not None)]
    assert (list(encoded.marks), list(encoded.units)) == (firsts, list(range(len(firsts))))
    logits = plain(**{name: read[name] for name in ("input_ids", "attention_mask")}).logits[0, firsts]
    assert np.abs(network.logits([words]) - logits.detach().numpy()).max() < 1e-5
    assert len(firsts) < len(words), "the last words lie beyond the longest length"
    assert network.cut_share([words, ["short"]]) == 0.5
    tags, _ = Student(network, network.spec("tags", ("person", "time"))).predict([words])
    assert len(tags[0]) == 9 and set(tags[0][len(firsts) :]) == {"O"}


def test_no_tag_continues_what_did_not_begin():
    columns = ["O", "B-person", "I-person", "B-time", "I-time"]
    likely = [[0.4, 0.3, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1, 0.6]]
    # each word's own best is O I-person I-time; of what may follow, O B-time I-time has .4 · .1 · .6
    assert [columns[place] for place in best_tags(np.log(likely), columns)] == ["O", "B-time", "I-time"]
    likely[2] = [0.6, 0.1, 0.1, 0.1, 0.1]  # now B-person I-person O has .3 · .6 · .6
    assert [columns[place] for place in best_tags(np.log(likely), columns)] == ["B-person", "I-person", "O"]
    assert best_tags(np.zeros((0, 5)), columns) == []


def test_none_over_the_threshold_is_the_likeliest(minilm: Path):
    network = NETWORKS["multi_label"].start(minilm, ("music", "weather"), 128, seed=0)
    student = Student(network, network.spec("multi_label", ("music", "weather")))
    found, sure = student.decide(["a"] * 3, [], np.array([[0.9, 0.6], [0.2, 0.4], [0.1, 0.8]]))
    assert found == ["music+weather", "weather", "weather"]
    assert sure.tolist() == pytest.approx([0.6, 0.4, 0.8])


def test_what_labels_of_several_count(minilm: Path, tmp_path: Path) -> None:
    """From a plain encoder rare labels count as the others; a head that was fitted to a judge's is balanced already."""
    labels = ("music", "weather")
    rows = (TrainingRow("a song", "music"), TrainingRow("a hymn", "music"), TrainingRow("rain", "weather", 2.0))
    job = StudentJob(labels, rows, minilm, tmp_path / "student", StudentSettings(), kind="multi_label")
    # of each label texts of weight 2 have it and texts of weight 2 have not
    assert StudentTrainer(job).counts.tolist() == [1.0, 1.0, 1.0, 1.0, 2.0, 2.0]
    more = replace(job, seeds=(*rows, TrainingRow("a tune", "music", 2.0)))
    counts = StudentTrainer(more).counts.reshape(4, 2)
    assert counts == pytest.approx(np.array([[0.75] * 2, [0.75] * 2, [3.0] * 2, [1.5] * 2]))
    settings = StudentSettings(judge_steps=1)
    tune_set_judge([(row.text, [row.label]) for row in rows], labels, settings, tmp_path / "judge", minilm)
    warm = StudentTrainer(replace(more, init_folder=tmp_path / "judge"))
    assert warm.warm and warm.counts.reshape(4, 2).tolist() == [[1.0] * 2, [1.0] * 2, [2.0] * 2, [2.0] * 2]

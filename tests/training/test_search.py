"""The search for a loss on linear heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from tests.training.cases import LABELS, SEEDS, rows
from training.job import StudentJob, StudentResult, TrainingRow
from training.losses import LOSSES
from training.search import Seen, choose_loss, see, try_loss, usual_loss
from training.settings import StudentSettings
from training.students import NETWORKS
from training.trainer import StudentTrainer


def test_where_all_are_right_the_usual_one_is_taken(job: StudentJob):
    student = NETWORKS["label"].start(job.init_folder, LABELS, 128, seed=0)
    examples = job.examples()
    teacher = torch.full((len(examples), 3), torch.nan)
    for usual in (usual_loss(True), usual_loss(False)):
        assert choose_loss(job, student, examples, teacher, usual) == usual
        assert choose_loss(replace(job, dev=()), student, examples, teacher, usual) == usual


def test_a_row_is_seen_with_its_choices(job: StudentJob):
    student = NETWORKS["label"].start(job.init_folder, LABELS, 128, seed=0)
    teacher = torch.rand(12, 3)
    seen = see(student, rows(SEEDS), teacher, {0, 5})
    assert [each.row.text for each in seen] == [SEEDS[0][0], SEEDS[5][0]]
    assert [each.targets.tolist() for each in seen] == [[0], [1]]
    assert torch.equal(seen[1].teacher, teacher[5:6])
    assert seen[0].features.shape == (1, 384)


def test_what_was_found_is_told_and_kept(job: StudentJob, tmp_path):
    settings = job.settings.model_copy(update={"loss": "auto", "steps": 2})
    made = replace(job, settings=settings)
    trainer = StudentTrainer(made)
    trainer.step()
    trainer.checkpoint(tmp_path)
    assert trainer.progress.loss_name in LOSSES
    resumed = StudentTrainer(made)
    assert resumed.restore(tmp_path)
    assert resumed.run().loss_name == trainer.progress.loss_name == StudentResult.load(made.output).loss_name


def test_of_several_labels_a_rare_one_counts_as_much_as_the_others(minilm: Path):
    student = NETWORKS["multi_label"].start(minilm, ("music", "weather"), 128, seed=0)

    def seen(features: list[float], *targets: int) -> Seen:
        label = "weather" if targets[1] else "music"
        told = torch.full((2, student.ways), torch.nan)
        return Seen(TrainingRow("a text", label), torch.tensor([features]), torch.tensor(targets), told)

    song, doubtful, rain = seen([5.0, 0.0], 1, 0), seen([0.0, 5.0], 1, 0), seen([0.0, 5.0], 0, 1)
    trained = [song] * 40 + [doubtful] * 6 + [rain] * 2  # of those like rain a quarter is, of all one in 24
    for name in LOSSES:
        found = try_loss(StudentSettings(), student, name, trained, [song, rain])
        assert found.tolist() == [1.0, 1.0], name

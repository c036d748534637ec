"""The search for a loss on linear heads."""

from __future__ import annotations

from dataclasses import replace

import torch

from tests.training.cases import LABELS, SEEDS, rows
from training.job import StudentJob, StudentResult
from training.losses import LOSSES
from training.search import ROBUST, choose_loss, see
from training.students import NETWORKS
from training.trainer import StudentTrainer


def test_where_all_are_right_the_robust_one_is_taken(job: StudentJob):
    student = NETWORKS["label"].start(job.init_folder, LABELS, 128, seed=0)
    examples = job.examples()
    teacher = torch.full((len(examples), 3), torch.nan)
    assert choose_loss(job, student, examples, teacher) == ROBUST
    assert choose_loss(replace(job, dev=()), student, examples, teacher) == ROBUST


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

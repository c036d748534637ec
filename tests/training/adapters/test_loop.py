"""Adapters under Ray Train: one run of two workers that share the base model, against a run of one in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from generation.task import Example
from tests.training.adapters.cases import TASK, make_job, trained
from tests.training.cases import SEEDS
from training.loop import fit_adapters

# two steps an epoch, of which one has the only two seeds about food
PLENTY = [Example(f"{text} number {number}", label) for number in range(12) for text, label in SEEDS[:8]]
MANY = (*PLENTY, *TASK.seeds[-2:])


def moved(folder: Path) -> torch.Tensor:
    """The matrices of a LoRA that begin as zeros, in one row."""
    weights = load_file(folder / "adapter_model.safetensors")
    return torch.cat([value.flatten() for name, value in sorted(weights.items()) if "lora_B" in name])


@pytest.mark.usefixtures("ray_session")
def test_two_workers_end_as_one_and_do_not_train_again(scribe: Path, tmp_path: Path) -> None:
    """What a step has no text of stays as it is on both, whatever momentum it has."""
    settings = {"held_out": 0.1, "evaluate_every": 6, "patience": 9, "epochs": 3, "lora_rate": 0.005, "shard": "always"}
    task = replace(TASK, seeds=MANY)
    job = make_job(scribe, tmp_path / "together", "lora", task=task, **settings)
    one = trained(replace(job, output=tmp_path / "alone")).save()
    two = fit_adapters(job, tmp_path / "storage", workers=2)
    assert (two.steps, two.best_step, two.adapters) == (one.steps, one.best_step, one.adapters)
    assert two.steps == 6 and len(two.adapters) == 3
    assert [look.loss for look in two.curve] == pytest.approx([look.loss for look in one.curve], rel=5e-2)
    for name in one.adapters.values():
        wanted, found = moved(one.folder / name), moved(two.folder / name)
        assert float((found - wanted).norm()) < 0.2 * float(wanted.norm())
    assert list((tmp_path / "storage").iterdir()) == []
    written = (two.folder / "training.json").stat().st_mtime_ns
    assert fit_adapters(job, tmp_path / "storage", workers=2) == two
    assert (two.folder / "training.json").stat().st_mtime_ns == written

"""Adapters under Ray Train: one run of two workers, against a run of one in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from generation.adapters.folder import read_adapter
from tests.training.adapters.cases import TASK, make_job, parameters, trained
from training.adapters.trainer import AdapterTrainer
from training.loop import fit_adapters


def difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Of all parameters together, the length of their difference."""
    assert one.keys() == other.keys()
    return sum(float((value - other[name]).square().sum()) for name, value in one.items()) ** 0.5


@pytest.mark.usefixtures("ray_session")
def test_two_workers_end_as_one_and_are_not_started_twice(scribe: Path, tmp_path: Path) -> None:
    """One adapter a label and one label without seeds of its own in most steps: nothing may move it there."""
    job = make_job(scribe, tmp_path / "together", "lora", held_out=0.25, evaluate_every=3, epochs=6)
    alone = AdapterTrainer(replace(job, output=tmp_path / "alone"))
    begun = parameters(alone)
    one = trained(replace(job, output=tmp_path / "alone")).save()
    two = fit_adapters(job, tmp_path / "storage", workers=2)
    assert (two.steps, two.best_step, two.adapters) == (one.steps, one.best_step, one.adapters)
    assert [look.loss for look in two.curve] == pytest.approx([look.loss for look in one.curve], rel=2e-2)
    for name in one.adapters.values():
        found, wanted = (load_file(each.folder / name / "adapter_model.safetensors") for each in (two, one))
        zero = {key: torch.zeros_like(value) for key, value in wanted.items()}
        print(name, difference(found, wanted), difference(wanted, zero))
        assert read_adapter(two.folder / name).kind == "lora"
    assert begun and list((tmp_path / "storage").iterdir()) == []
    assert TASK.seeds
    written = (two.folder / "training.json").stat().st_mtime_ns
    assert fit_adapters(job, tmp_path / "storage", workers=2) == two
    assert (two.folder / "training.json").stat().st_mtime_ns == written

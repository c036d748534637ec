"""Adapters that two ranks train, the base model whole on each or cut up, against one rank alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from generation.adapters.folder import read_adapter
from tests.training.adapters.cases import make_job, parameters, plain_lm
from tests.training.adapters.group import Told, train_together
from training.adapters.job import AdapterJob, AdapterResult
from training.adapters.ranks import wants_shards
from training.adapters.settings import AdapterSettings
from training.adapters.trainer import AdapterTrainer
from training.device import CPU
from training.sharding import is_too_large

SMALL = {"epochs": 4, "held_out": 0.25, "evaluate_every": 2, "lora_rate": 0.005}
CASES: dict[str, dict[str, Any]] = {
    "lora": {"method": "lora", "shard": "always"},
    "control_codes": {"method": "control_codes", "discriminative": 2.0, "contrast": 0.5, "shard": "always"},
    "mixture": {"method": "mixture", "shard": "always"},
    "whole": {"method": "control_codes", "shard": "never"},
}


@pytest.fixture(scope="module")
def told(scribe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[AdapterJob, Told]]:
    folder = tmp_path_factory.mktemp("together")
    jobs = [make_job(scribe, folder / name, **SMALL | more) for name, more in CASES.items()]
    return dict(zip(CASES, zip(jobs, train_together(jobs, folder, 2), strict=True), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_two_ranks_learn_what_one_does(case: str, told: dict[str, tuple[AdapterJob, Told]], tmp_path: Path) -> None:
    job, two = told[case]
    one, losses = AdapterTrainer(replace(job, output=tmp_path / "alone"), dtype=torch.float32), []
    start = parameters(one)
    while not one.finished:
        one.step()
        losses.append(one.progress.loss)
    wanted, found = (_moved(start, each) for each in (parameters(one), two.parameters))
    alone, together = one.save(), AdapterResult.load(job.output)
    assert len(losses) == 4 and two.resumes == 1
    assert two.losses == pytest.approx(losses, rel=1e-4)
    assert (together.steps, together.best_step, together.adapters) == (alone.steps, alone.best_step, alone.adapters)
    assert [look.loss for look in together.curve] == pytest.approx([look.loss for look in alone.curve], rel=1e-4)
    assert float((found - wanted).norm()) < 1e-3 * float(wanted.norm())
    for name in set(together.adapters.values()):
        assert read_adapter(job.output / name).kind == job.method.adapting


def _moved(start: dict[str, torch.Tensor], now: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([(now[name] - value).flatten() for name, value in start.items()])


@pytest.mark.parametrize("case", CASES)
def test_a_rank_holds_half_of_the_layers(case: str, told: dict[str, tuple[AdapterJob, Told]], scribe: Path) -> None:
    model = plain_lm(scribe).model
    whole = sum(value.numel() for value in model.parameters())
    layers = sum(value.numel() for value in model.model.layers.parameters())
    assert told[case][1].held == (whole if CASES[case]["shard"] == "never" else whole - layers // 2)


def test_auto_shares_out_what_takes_a_third_of_a_device(scribe: Path) -> None:
    assert not is_too_large(4_000_000, torch.bfloat16, 24_000_000)
    assert is_too_large(4_000_001, torch.bfloat16, 24_000_000)
    assert is_too_large(2_000_001, torch.float32, 24_000_000)
    assert [wants_shards(AdapterSettings(shard=shard), scribe, CPU) for shard in ("auto", "always", "never")] == [
        False,
        True,
        False,
    ]


def test_a_model_in_four_bits_is_not_cut_up() -> None:
    with pytest.raises(ValidationError, match="shard must be auto or never with four_bit"):
        AdapterSettings(four_bit=True, shard="always")


def test_how_a_model_is_shared_is_no_part_of_a_job(scribe: Path, tmp_path: Path) -> None:
    assert make_job(scribe, tmp_path, shard="always").key == make_job(scribe, tmp_path).key

"""Whoever trains a student, and however many: the same rows, the same losses, the same student."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from tests.training.cases import LABELS, SEEDS, UNSEEN, rows, tiny_encoder
from tests.training.group import Told, train_alone, train_in_turns
from training.job import StudentJob, StudentResult
from training.settings import StudentSettings

STEPS, BATCH = 7, 6
CASES: dict[str, dict[str, Any]] = {
    "whole": {"shard": "never", "loss": "early_learning"},
    "shared out": {"shard": "always", "ema": 0.5, "loss": "early_learning"},
}


Both = tuple[StudentJob, Told, StudentJob, Told]


@pytest.fixture(scope="module")
def all_told(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Both]:
    """Two ranks for two steps, then three, then one, then two to the end; and one rank alone."""
    folder = tmp_path_factory.mktemp("groups")
    encoder = tiny_encoder(minilm, folder / "encoder")
    settings = StudentSettings(steps=STEPS, batch_size=BATCH, evaluate_every=3, learning_rate=1e-3)
    job = StudentJob(LABELS, rows(SEEDS), encoder, folder, settings, dev=rows(UNSEEN))
    jobs = {
        place: [
            replace(job, output=folder / f"{name} {place}", settings=settings.model_copy(update=more))
            for name, more in CASES.items()
        ]
        for place in ("turns", "alone")
    }
    told = train_in_turns(jobs["turns"], folder, [(2, 2), (3, 4), (1, 5), (2, STEPS)])
    alone = [(each, train_alone(each)) for each in jobs["alone"]]
    return {name: (turns, many, *one) for name, turns, many, one in zip(CASES, jobs["turns"], told, alone, strict=True)}


@pytest.fixture(params=CASES)
def both(request: pytest.FixtureRequest, all_told: dict[str, Both]) -> Both:
    return all_told[request.param]


def test_the_size_of_the_group_changes_nothing(both: Both) -> None:
    turns, many, alone, one = both
    assert len(one.losses) == STEPS
    assert many.losses == pytest.approx(one.losses, rel=1e-4)
    found, wanted = StudentResult.load(turns.output), StudentResult.load(alone.output)
    assert [look.loss for look in found.curve] == pytest.approx([look.loss for look in wanted.curve], rel=1e-4)
    assert (found.steps, found.best_step, found.resumes) == (wanted.steps, wanted.best_step, 3)
    start = load_file(turns.init_folder / "model.safetensors")
    moved = {
        name: one.weights[name] - start[key]
        for name in one.weights
        if (key := name.removeprefix("model.bert.")) in start
    }
    off = {name: many.weights[name] - one.weights[name] for name in moved}
    assert len(moved) > 30
    assert _norm(off) < 1e-3 * _norm(moved)


def test_every_row_is_taken_once_an_epoch(both: Both) -> None:
    _, many, _, one = both
    assert [sorted(step) for step in many.seen] == [sorted(step) for step in one.seen]
    stream = [place for step in many.seen for place in step]
    epochs = [
        stream[start : start + len(SEEDS)] for start in range(0, len(stream) // len(SEEDS) * len(SEEDS), len(SEEDS))
    ]
    assert len(epochs) == 3
    assert all(sorted(epoch) == list(range(len(SEEDS))) for epoch in epochs)


def test_what_is_written_is_whole(both: Both) -> None:
    turns, _, alone, _ = both
    found, wanted = (load_file(each.output / "model.safetensors") for each in (turns, alone))
    assert {name: value.shape for name, value in found.items()} == {name: value.shape for name, value in wanted.items()}
    assert all(torch.allclose(found[name], wanted[name], atol=1e-4) for name in wanted)
    assert type(AutoModelForSequenceClassification.from_pretrained(turns.output)).__name__.startswith("Bert")


def test_a_rank_keeps_its_part_of_the_layers(both: Both) -> None:
    turns, many, _, one = both
    if turns.settings.shard == "never":
        assert set(many.held) == set(one.held)
        return
    model = AutoModelForSequenceClassification.from_pretrained(turns.output)
    layers = sum(value.numel() for value in model.bert.encoder.layer.parameters())
    outside = one.held[0] - layers
    assert many.held[0] == many.held[3] == outside + layers // 2
    assert many.held[2] == one.held[0]


def _norm(tensors: dict[str, torch.Tensor]) -> float:
    return float(torch.cat([value.flatten() for value in tensors.values()]).norm())

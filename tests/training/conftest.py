"""The embedded encoder and a small job."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.models import EMBEDDED_ENCODER, resolve_model
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows
from training.job import StudentJob
from training.settings import StudentSettings


@pytest.fixture(scope="session")
def minilm() -> Path:
    return resolve_model(EMBEDDED_ENCODER)


@pytest.fixture
def job(minilm: Path, tmp_path: Path) -> StudentJob:
    """Eight steps on the seeds, the unseen texts as dev rows."""
    settings = StudentSettings(steps=8, batch_size=6, evaluate_every=4)
    return StudentJob(
        labels=LABELS,
        seeds=rows(SEEDS),
        dev=rows(UNSEEN),
        init_folder=minilm,
        output=tmp_path / "student",
        settings=settings,
    )

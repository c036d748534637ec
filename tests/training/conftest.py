"""The embedded encoder, a small job, and a Ray session shared by the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    import ray

    mine = not ray.is_initialized()
    if mine:
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield
    if mine:
        ray.shutdown()

"""What is not set follows from the kind of adapter, and makes the same job as if it were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.adapters.cases import make_job


@pytest.mark.parametrize(
    ("method", "weight"), [("soft_prompts", 1.0), ("mixture", 0.0), ("lora", 0.0), ("control_codes", 0.0)]
)
def test_soft_prompts_alone_learn_against_other_labels(
    scribe: Path, tmp_path: Path, method: str, weight: float
) -> None:
    job = make_job(scribe, tmp_path, method)
    assert job.contrast == weight
    assert make_job(scribe, tmp_path, method, contrast=0.5).contrast == 0.5
    assert make_job(scribe, tmp_path, method, contrast=weight).key == job.key
    assert make_job(scribe, tmp_path, method, contrast=0.5).key != job.key

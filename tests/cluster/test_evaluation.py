"""What is measured of a round's student beside the test set."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from cluster.evaluation import NEAREST, look_at_dev
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.task import Example
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows, tiny_encoder
from training.job import StudentJob
from training.settings import StudentSettings
from training.trainer import StudentTrainer


def test_mistakes_on_held_out_seeds_have_rows_near_them(tmp_path: Path) -> None:
    encoder = tiny_encoder(resolve_model(EMBEDDED_ENCODER), tmp_path / "encoder")
    job = StudentJob(LABELS, rows(SEEDS), encoder, tmp_path / "student", StudentSettings(steps=1, batch_size=4))
    StudentTrainer(job).run()
    kept = pa.table(
        {
            "id": [f"row{place}" for place in range(len(SEEDS))],
            "text": [text for text, _ in SEEDS],
            "label": [label for _, label in SEEDS],
        }
    )
    # of one text under each of three labels, whatever it says is wrong twice
    dev = [Example(UNSEEN[0][0], label) for label in LABELS]
    found = look_at_dev(dev, kept, job.output)
    assert (found["rows"], found["accuracy"], found["truncated"]) == (3, 1 / 3, 0.0)
    assert len(found["worst"]) == 2
    assert found["worst"][0]["gold_probability"] <= found["worst"][1]["gold_probability"]
    for wrong in found["worst"]:
        assert wrong["text"] == UNSEEN[0][0] and wrong["gold"] != wrong["predicted"]
        assert len({near["id"] for near in wrong["nearest"]}) == NEAREST
        assert [near["similarity"] for near in wrong["nearest"]] == sorted(
            (near["similarity"] for near in wrong["nearest"]), reverse=True
        )

"""A disk that fills up while a student trains: one clear error, and nothing that was whole is lost."""

from __future__ import annotations

import contextlib
import errno
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.watched import WatchedJob
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows, tiny_encoder
from training.loop import fit_students
from training.settings import StudentSettings
from training.stored import LIST_FILE
from training.trainer import StudentTrainer

pytestmark = pytest.mark.usefixtures("ray_session")
GATE, STEPS = 6, 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"0" * 4096)


def traces(folder: Path) -> list[dict[str, Any]]:
    lines = [line for file in folder.glob("trace-*.jsonl") for line in file.read_text().splitlines()]
    return sorted((json.loads(line) for line in lines), key=lambda trace: (trace["attempt"], trace["step"]))


def wait_for(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + 400
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_full_disk_costs_what_came_after_the_last_checkpoint(minilm: Path, small_disk: Path, tmp_path: Path) -> None:
    settings = StudentSettings(steps=STEPS, batch_size=4, evaluate_every=2)
    encoder = tiny_encoder(minilm, tmp_path / "encoder")
    job = WatchedJob(LABELS, rows(SEEDS), encoder, tmp_path / "student", settings, dev=rows(UNSEEN))
    (tmp_path / "gate").write_text(str(GATE))
    raised: list[BaseException] = []

    def fit() -> None:
        try:
            fit_students([job], small_disk, checkpoint_seconds=0)
        except BaseException as error:
            raised.append(error)

    run = threading.Thread(target=fit)
    run.start()
    wait_for(lambda: [trace for trace in traces(tmp_path) if trace["step"] == GATE])
    (place,) = small_disk.iterdir()
    # what was to go has gone: it would make room for one more
    wait_for(lambda: len(_whole(place)) == 2 and set(_folders(place)) == set(_whole(place)))
    fill(small_disk / "filler")
    (tmp_path / "gate").write_text(str(STEPS))
    run.join(timeout=600)

    (error,) = raised
    assert isinstance(error, OSError)
    assert (error.errno, error.strerror) == (errno.ENOSPC, "No space left on device")
    assert str(error.filename).startswith(str(small_disk))
    assert not job.output.exists()
    for folder in _whole(place):
        assert StudentTrainer(job).restore(folder)
    half = [path for path in _folders(place) if path not in _whole(place)]
    for folder in half:
        assert not StudentTrainer(job).restore_first([folder])

    (small_disk / "filler").unlink()
    (result,) = fit_students([job], small_disk, checkpoint_seconds=0)
    assert result.steps == STEPS and result.resumes >= 1
    last = traces(tmp_path)[-1]["attempt"]
    assert 0 < min(trace["step"] for trace in traces(tmp_path) if trace["attempt"] == last) <= GATE
    assert list(small_disk.iterdir()) == []


def _folders(place: Path) -> list[Path]:
    return [path for path in place.glob("checkpoint_*") if path.is_dir()]


def _whole(place: Path) -> list[Path]:
    """The checkpoints that Ray Train's list names."""
    with contextlib.suppress(OSError, ValueError):
        return [
            place / each["checkpoint_dir_name"]
            for each in json.loads((place / LIST_FILE).read_text())["checkpoint_results"]
        ]
    return []

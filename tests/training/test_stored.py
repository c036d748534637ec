import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.cases import tiny_encoder
from training.job import StudentJob
from training.stored import LIST_FILE, mend, newest
from training.trainer import StudentTrainer


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Three folders of which the list names two."""
    place = tmp_path / "students-x"
    for second in (1, 2, 3):
        folder = place / f"checkpoint_2026-11-28_10-00-0{second}.5"
        folder.mkdir(parents=True)
        (folder / "progress.json").write_text(str(second))
    named = [{"checkpoint_dir_name": path.name, "metrics": {}} for path in sorted(place.iterdir())[:2]]
    (place / LIST_FILE).write_text(json.dumps({"checkpoint_results": named}))
    return place


def seconds(place: Path) -> list[str]:
    with newest(place) as folders:
        return [(folder / "progress.json").read_text() for folder in folders]


def test_what_the_list_does_not_name_goes(place: Path):
    mend(place)
    assert seconds(place) == ["2", "1"]
    assert (place / LIST_FILE).is_file()


@pytest.mark.parametrize("rest", [0, 10, -1])
def test_a_list_that_is_cut_goes_itself(place: Path, rest: int):
    (place / LIST_FILE).write_bytes((place / LIST_FILE).read_bytes()[:rest])
    mend(place)
    assert seconds(place) == ["3", "2", "1"]
    assert not (place / LIST_FILE).exists()


def test_a_list_of_what_is_gone_goes(place: Path):
    next(place.glob("checkpoint_*1.5/progress.json")).unlink()
    next(place.glob("checkpoint_*1.5")).rmdir()
    mend(place)
    assert not (place / LIST_FILE).exists()


def test_nothing_is_not_mended(tmp_path: Path):
    mend(tmp_path / "none")
    assert seconds(tmp_path / "none") == []


def test_the_newest_that_is_whole_is_gone_on_from(job: StudentJob, minilm: Path, tmp_path: Path):
    job = replace(job, init_folder=tiny_encoder(minilm, tmp_path / "encoder"))
    trainer, place = StudentTrainer(job), tmp_path / "students-y"
    for step in (1, 2, 3, 4):
        trainer.step()
        folder = place / f"checkpoint_{step}"
        folder.mkdir(parents=True)
        trainer.checkpoint(folder)
    for broken, name in (("checkpoint_4", "progress.json"), ("checkpoint_3", "state.safetensors")):
        whole = (place / broken / name).read_bytes()
        (place / broken / name).write_bytes(whole[: len(whole) - 7])
    other = StudentTrainer(replace(job, settings=job.settings.model_copy(update={"seed": 1})))
    fresh = StudentTrainer(job)
    with newest(place) as folders:
        assert not other.restore_first(folders)
    with newest(place) as folders:
        assert fresh.restore_first(folders)
    assert (fresh.progress.step, fresh.progress.resumes) == (2, 1)

"""The end of two rounds, from rows and students that lie there: gain, promotion, decision, and the dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.finishing import Finishing
from cluster.job import Job, prepare
from cluster.journal import Journal
from cluster.monitor import Monitor
from cluster.rounds import Round, current_round
from cluster.store import Store
from generation.location import Location
from generation.models import EMBEDDED_ENCODER, resolve_model
from tests.cluster.cases import add_requests, add_rows, add_verdicts, verdict, write_task
from tests.cluster.test_monitor import Recorder
from tests.training.cases import LABELS, SEEDS, rows, tiny_encoder
from training.job import StudentJob, TrainingRow
from training.settings import StudentSettings
from training.trainer import StudentTrainer

# a student that has learnt the topics, and one that has learnt that all is food
RIGHT, WRONG = rows(SEEDS), tuple(TrainingRow(text, "food") for text, _ in SEEDS)
SETTINGS = StudentSettings(steps=16, batch_size=12, learning_rate=5e-3, evaluate_every=16, loss="cross_entropy")


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The encoder, and students that start from it."""
    folder = tmp_path_factory.mktemp("students")
    encoder = tiny_encoder(resolve_model(EMBEDDED_ENCODER), folder / "encoder")
    for name, learnt in (("right", RIGHT), ("wrong", WRONG)):
        StudentTrainer(StudentJob(LABELS, learnt, encoder, folder / name, SETTINGS)).run()
    return {name: folder / name for name in ("encoder", "right", "wrong")}


def make_job(folder: Path, encoder: Path, dev: int) -> Job:
    """Three labels with four seeds each, of which `dev` are held out; texts that students have learnt."""
    labels = [{"name": name, "description": f"about {name}"} for name in LABELS]
    seeds = [{"text": text, "label": label} for text, label in SEEDS]
    student = {"model": str(encoder), "dev_per_label": dev}
    return prepare(write_task(folder, seeds, labels=labels, student=student, rounds=2, quota=2, stop={"patience": 1}))


def end(
    job: Job, store: Store, name: str, students: dict[str, Path], lost: int = 0
) -> tuple[dict[str, object], list[str]]:
    """Begin a round, lay down its rows and a student, and finish it; its metrics, and what was said.

    Two rows of each label are kept; of the first one none where it has `lost` some.
    """
    now = current_round(store, job.config)
    assert now is not None
    names = [f"{label}-{now.number}{place}" for label in LABELS[bool(lost) :] for place in range(2)]
    others = [f"{LABELS[0]}-{place}" for place in range(lost)]
    add_requests(store, [*names, *others], round_=now.number)
    add_rows(store, [*names, *others], round_=now.number)
    rejected = [verdict(each, "rejected") for each in others]
    add_verdicts(store, [*(verdict(each) for each in names), *rejected], round_=now.number)
    said: list[str] = []
    journal = Journal(store.root, said.append)

    def folders(now: Round) -> dict[str, Location]:
        return {"student": store.folder(now.number, "student")}

    (store.root / "rounds" / f"{now.number:03d}" / "student").symlink_to(students[name])
    monitor = Monitor(store, Recorder())
    monitor.begin_round(now)
    Finishing(job, store, journal, monitor, folders).finish(now, "rows_exhausted" if lost else "quota_met")
    return json.loads((store.root / f"rounds/{now.number:03d}/metrics.json").read_text()), said


def test_two_rounds_and_their_students_on_dev_rows(store: Store, tmp_path: Path, students: dict[str, Path]) -> None:
    job = make_job(tmp_path, students["encoder"], dev=2)
    first, said = end(job, store, "right", students)
    assert first["held_out"] == {"basis": "dev", "rows": 6, "accuracy": 1.0}
    assert (first["gain"], first["new_clusters"], first["noise"]) == (None, None, None)
    assert first["promotion"] == {"promoted": True, "over": None, "why": "it is the first"}
    assert first["decision"] == {"wanted": 4, "stop": None, "why": ""}
    assert said == [f"round 0 done (quota_met): 6 rows kept, dataset in {store.root}/dataset/v000"]
    second, said = end(job, store, "wrong", students)
    gain = "-66.7 points [-66.7, +13.6] on 6 rows"
    assert second["held_out"] == {"basis": "dev", "rows": 6, "accuracy": pytest.approx(1 / 3)}
    assert second["promotion"] == {
        "promoted": True,
        "over": 0,
        "why": f"it is not surely better than round 0's: {gain}",
    }
    why = "all rounds are made"
    assert second["decision"] == {"wanted": None, "stop": "rounds", "why": why}
    assert said[-2:] == [
        f"round 1 done (quota_met): 6 rows kept, dataset in {store.root}/dataset/v001",
        f"no further round: {why}",
    ]
    assert (store.root / "student").read_text() == "rounds/001/student\n"
    assert current_round(store, job.config) is None


def test_a_label_that_was_given_up_is_told(store: Store, tmp_path: Path, students: dict[str, Path]) -> None:
    found, said = end(make_job(tmp_path, students["encoder"], dev=2), store, "right", students, lost=60)
    assert found["given_up"] == {LABELS[0]: {"generated": 60, "accepted": 0}}
    told = f"warning: round 0: given up before they had their quota: {LABELS[0]} (0 of 60 rows kept)"
    assert [line for line in said if "given up" in line] == [told]


def test_without_dev_rows_heads_on_folds_stand_for_the_student(
    store: Store, tmp_path: Path, students: dict[str, Path]
) -> None:
    job = make_job(tmp_path, students["encoder"], dev=0)
    first, _ = end(job, store, "right", students)
    assert first["held_out"]["basis"] == "out_of_fold" and first["held_out"]["rows"] == 12  # type: ignore[index]
    second, said = end(job, store, "wrong", students)
    assert second["gain"]["rows"] == 12  # type: ignore[index]
    assert second["promotion"]["why"].startswith("heads on its rows are not surely better")  # type: ignore[index]
    aim = json.loads((store.root / "rounds/001/round.json").read_text())["aim"]
    assert (aim["basis"], aim["rows"], sorted(aim["errors"])) == ("out_of_fold", 12, sorted(LABELS))
    assert "no further round: all rounds are made" in said

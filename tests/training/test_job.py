from dataclasses import replace
from pathlib import Path

import pytest

from training.job import StudentJob, StudentResult, TrainingRow
from training.progress import Look

RAIN, SONG = TrainingRow("rain", "weather"), TrainingRow("a song", "music")


def test_seeds_are_replayed_among_rows(job: StudentJob):
    job = replace(job, seeds=(RAIN,), rows=(SONG, TrainingRow("left out", "music", 0.0)))
    assert job.examples() == [SONG, RAIN, RAIN, RAIN]
    assert replace(job, rows=()).examples() == [RAIN]


def test_a_share_of_seeds_is_reached_by_replaying_them(job: StudentJob):
    settings = job.settings.model_copy(update={"seed_share": 0.5})
    job = replace(job, seeds=(RAIN, SONG), rows=(SONG,) * 9, settings=settings)
    assert len(job.examples()) == 9 + 2 * 4
    assert replace(job, settings=settings.model_copy(update={"seed_share": 0.0})).examples() == [SONG] * 9


def test_a_start_from_a_plain_encoder_sees_every_row_several_times(job: StudentJob):
    settings = job.settings.model_copy(update={"batch_size": 4, "steps": 4, "cold_steps": 5, "cold_epochs": 3})
    few, many = (replace(job, seeds=(RAIN,), rows=(SONG,) * rows, settings=settings) for rows in (1, 6))
    assert few.from_cold().settings.steps == 4
    assert replace(few, kind="multi_label", dev=()).from_cold().settings.steps == 5
    assert many.from_cold().settings.steps == 7  # of 6 rows and a seed three times, 27 in all, 4 each
    assert many.from_cold() == replace(many, settings=settings.model_copy(update={"steps": 7}))


def test_a_label_may_be_left_without_rows(job: StudentJob):
    dropped = TrainingRow("boil the lentils", "food", 0.0)
    assert replace(job, seeds=(RAIN,), rows=(SONG, dropped)).labels_without_rows() == ["food"]
    assert job.labels_without_rows() == []


def test_labels_are_those_of_the_kind(job: StudentJob):
    both = TrainingRow("rain in a song", "music+weather")
    job = replace(job, kind="multi_label", seeds=(both,), dev=())
    assert job.names_of(both) == ("music", "weather")
    with pytest.raises(ValueError, match=r"got \['sport'\]"):
        replace(job, rows=(TrainingRow("goal", "music+sport"),))
    tagged = TrainingRow("it rains", "", tokens=("it", "rains"), tags=("O", "B-sport"))
    with pytest.raises(ValueError, match=r"got \['sport'\]"):
        replace(job, kind="tags", seeds=(tagged,))


def test_the_key_follows_the_content_not_the_place(job: StudentJob, tmp_path: Path):
    assert replace(job, output=tmp_path / "elsewhere").key == job.key
    assert replace(job, rows=(SONG,)).key != job.key
    assert replace(job, teacher=job.init_folder).key != job.key
    assert replace(job, settings=job.settings.model_copy(update={"seed": 1})).key != job.key
    assert replace(job, settings=job.settings.model_copy(update={"shard": "always"})).key == job.key


def test_mistakes_are_named(job: StudentJob):
    with pytest.raises(ValueError, match=r"got \['sport'\]"):
        replace(job, dev=(TrainingRow("goal", "sport"),))
    with pytest.raises(ValueError, match="weights must be at least 0"):
        replace(job, rows=(TrainingRow("goal", "music", -1.0),))
    with pytest.raises(ValueError, match="weights must be at least 0"):
        replace(job, rows=(TrainingRow("goal", "music", float("nan")),))
    with pytest.raises(ValueError, match=r"got \['sport'\]"):
        replace(job, rows=(TrainingRow("goal", "music", shares=(("music", 0.5), ("sport", 0.5))),))
    with pytest.raises(ValueError, match="shares must be at least 0 and not all 0"):
        replace(job, rows=(TrainingRow("goal", "music", shares=(("music", 0.0),)),))
    with pytest.raises(ValueError, match=r"only rows of kind label or pair have shares of labels; got 'multi_label'"):
        replace(job, kind="multi_label", rows=(TrainingRow("goal", "music", shares=(("music", 1.0),)),))
    with pytest.raises(ValueError, match="at least one row of positive weight"):
        replace(job, seeds=())


def test_a_result_round_trips(tmp_path: Path):
    result = StudentResult(tmp_path, 8, 4, (Look(4, 0.5, 1.25), Look(8, 0.5, 1.5)), 0.75, 1.0, 0.125, 3)
    result.write(tmp_path)
    assert StudentResult.load(tmp_path) == result


def test_labels_count_alike_where_that_is_asked_for(job: StudentJob):
    job = replace(job, seeds=(RAIN,), rows=(SONG,), settings=job.settings.model_copy(update={"balance": 1.0}))
    assert [row.weight for row in job.examples()] == pytest.approx([2.0, 2 / 3, 2 / 3, 2 / 3])

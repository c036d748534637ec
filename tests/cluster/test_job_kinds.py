"""Tasks of other kinds than single labels made ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.estimate import estimate
from cluster.job import Job, example_prompts, prepare
from generation.errors import UserError
from generation.plan import plan_wave
from tests.cluster.cases import write_task

SLOTS = [{"name": "time", "description": "a time"}, {"name": "who", "description": "a name"}]
TAGGED = [{"text": "[who: Ann] at [time: six]"}, {"text": "by [who: Bo]"}]
SETS = [{"text": "so glad", "labels": ["pos"]}, {"text": "glad and sad", "labels": ["pos", "neg"]}]
FEW = {"exemplars": 1, "exemplar_sets": 1}


def make(folder: Path, rows: list[dict[str, Any]], **task: Any) -> Job:
    return prepare(write_task(folder, rows, generation=FEW, **task))


def test_a_tagged_task_is_asked_for_slots(tmp_path: Path) -> None:
    job = make(tmp_path, TAGGED, kind="tags", labels=SLOTS)
    assert example_prompts(job)["time"] == (
        "Short remarks. Values are marked like [slot: value].\ntime: a time\n\n1. [who: Ann] at [time: six]\n2."
    )
    assert [seed.text for seed in job.task.seeds] == ["Ann at six", "by Bo"]
    assert job.warnings == (
        f"{tmp_path}/task.yaml: kind 'tags' has no judge: doubts about spans are written down, and rows pass on "
        "filters and deduplication alone unless denoise.least_span is above 0",
    )
    assert job.run_json()["kind"] == job.identity["kind"] == "tags"


def test_doubts_about_spans_are_acted_on_where_there_are_spans(tmp_path: Path) -> None:
    job = make(tmp_path, TAGGED, kind="tags", labels=SLOTS, denoise={"least_span": 0.3})
    assert (job.warnings, job.identity["denoise.least_span"]) == ((), 0.3)
    assert "denoise.least_span" not in make(tmp_path, SETS, kind="multi_label").identity
    with pytest.raises(UserError, match=r"denoise\.least_span: must be 0 for kind 'multi_label', which has no spans"):
        make(tmp_path, SETS, kind="multi_label", denoise={"least_span": 0.3})


def test_several_labels_are_asked_for_as_sets(tmp_path: Path) -> None:
    job = make(tmp_path, SETS, kind="multi_label", quota=7)
    assert list(example_prompts(job)) == ["neg+pos", "pos"]
    assert [label["name"] for label in job.run_json()["labels"]] == ["neg+pos", "pos"]
    assert (estimate(job)["labels"], job.identity["labels"]) == (2, ["pos", "neg"])
    plan = plan_wave(job.material(), job.method, 0, {"neg+pos": 1, "pos": 1})
    assert plan["label"].to_pylist() == ["neg+pos", "pos"]


def test_the_judge_of_sets_learns_every_label_of_a_text(tmp_path: Path) -> None:
    """Descriptions are texts of their own label; a label without seeds has none."""
    labels = [{"name": name, "description": f"is {name}"} for name in ("pos", "neg", "odd")]
    job = make(tmp_path, SETS, kind="multi_label", labels=labels)
    assert job.judge_seeds() == (
        [("so glad", ("pos",)), ("glad and sad", ("neg", "pos"))],
        [("is pos", ("pos",)), ("is neg", ("neg",))],
    )
    assert make(tmp_path, [{"text": "a", "label": "pos"}, {"text": "b", "label": "neg"}]).judge_seeds() == (
        [("a", "pos"), ("b", "neg")],
        [("is glad", "pos"), ("is not", "neg")],
    )


def test_seeds_are_held_out_by_the_slots_that_they_have(tmp_path: Path) -> None:
    job = make(tmp_path, TAGGED, kind="tags", labels=SLOTS, student={"model": "model", "dev_per_label": 1})
    assert (len(job.task.seeds), len(job.task.dev)) == (1, 1)
    bare = [name for name in ("who", "time") if name not in job.kind.names_of(job.task.dev[0])]
    told = f"student.dev_per_label: 1 are held out of labels with 2 seeds or more; none of {', '.join(bare)}"
    assert [warning for warning in job.warnings if told in warning] == [job.warnings[-1]] * len(bare)


def test_soft_labels_need_a_judge(tmp_path: Path) -> None:
    settings = {"model": "model", "loss": "soft_labels"}
    assert make(tmp_path, SETS, kind="multi_label", student=settings).config.student.loss == "soft_labels"
    with pytest.raises(UserError, match=r"student\.loss: soft_labels are a judge's; kind 'tags' has none"):
        make(tmp_path, TAGGED, kind="tags", labels=SLOTS, student=settings)


@pytest.mark.parametrize(("kind", "rows"), [("tags", TAGGED), ("multi_label", SETS)])
def test_shares_of_labels_need_a_judge_of_single_labels(tmp_path: Path, kind: str, rows: list[dict[str, Any]]) -> None:
    task: dict[str, Any] = {"kind": kind} | ({"labels": SLOTS} if kind == "tags" else {})
    message = rf"student\.targets: soft needs a judge of single labels; kind '{kind}' has none"
    with pytest.raises(UserError, match=message):
        make(tmp_path, rows, student={"model": "model", "targets": "soft"}, **task)
    assert not make(tmp_path, rows, **task).learns_shares


def test_test_rows_are_read_as_their_kind_has_them(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"text": "a [time: b]"}\n')
    assert [row.tags for row in make(tmp_path, TAGGED, kind="tags", labels=SLOTS, test="test.jsonl").test] == [
        ("O", "B-time")
    ]
    (tmp_path / "test.jsonl").write_text('{"text": "a [tide: b]"}\n')
    with pytest.raises(UserError, match=r"test\.jsonl line 1: unknown slot 'tide'; did you mean 'time'"):
        make(tmp_path, TAGGED, kind="tags", labels=SLOTS, test="test.jsonl")


def test_seeds_of_others_are_shown_for_texts_of_one_label_alone(tmp_path: Path) -> None:
    assert make(tmp_path, TAGGED, kind="tags", labels=SLOTS).material().settings.borrow_below == 0
    seeds = [{"text": "so so", "label": "neg"}, {"text": "fine", "label": "pos"}]
    assert make(tmp_path, seeds).material().settings.borrow_below == 3


def test_tags_make_another_run(tmp_path: Path) -> None:
    before = make(tmp_path, TAGGED, kind="tags", labels=SLOTS).identity
    after = make(tmp_path, [TAGGED[0], {"text": "by [time: Bo]"}], kind="tags", labels=SLOTS).identity
    assert [name for name in after if before[name] != after[name]] == ["seeds"]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"kind": "tag"}, "task.yaml: kind: must be 'label', 'multi_label', 'pair' or 'tags'; got 'tag'"),
        (
            {"kind": "multi_label", "labels": [{"name": "a+b", "description": "c"}, SLOTS[0]]},
            "task.yaml: labels: label names must not contain '+', which joins them; got 'a+b'",
        ),
        (
            {"kind": "tags", "labels": SLOTS, "runtime": {"max_model_len": 64}, "generation": {"max_tokens": 60}},
            # as a prompt shows it, not as it reads
            "seeds.jsonl line 1: text has 5 tokens; the context has room for 4 "
            "(runtime.max_model_len 64 less generation.max_tokens)",
        ),
        ({"kind": "pair"}, "seeds.jsonl line 1: text_a is missing; got 'text'"),
        (
            {"kind": "tags", "labels": SLOTS, "generation": {"augment": "mix"}},
            "task.yaml: generation.augment: 'mix' moves words, which would break what texts of kind 'tags' are made of",
        ),
        (
            {"kind": "tags", "labels": SLOTS, "generation": {"method": "eda"}},
            "task.yaml: generation.method: 'eda' moves words, which would break what texts of kind 'tags' are made of",
        ),
        (
            {"kind": "multi_label", "generation": {"adapters": {"pos+neg": None}}},
            "task.yaml: task: generation.adapters must name labels of a set in order, 'neg+pos'; got 'pos+neg'",
        ),
        (
            {"kind": "multi_label", "generation": {"adapters": {"neg+po": None}}},
            "task.yaml: task: generation.adapters names an unknown label 'po'",
        ),
    ],
)
def test_mistakes(tmp_path: Path, task: dict[str, Any], expected: str) -> None:
    path = write_task(tmp_path, TAGGED, **task)
    with pytest.raises(UserError) as caught:
        prepare(path)
    assert str(caught.value).removeprefix(f"{tmp_path}/") == expected


@pytest.mark.parametrize(("setting", "method"), [("method", "eda"), ("augment", "mix")])
def test_pairs_are_not_taken_apart(tmp_path: Path, setting: str, method: str) -> None:
    seeds = [
        {"text_a": f"it {word}", "text_b": "it is wet", "label": label} for word, label in zip("ab", "xy", strict=True)
    ]
    labels = [{"name": name, "description": name} for name in "xy"]
    path = write_task(tmp_path, seeds, kind="pair", labels=labels, generation={setting: method})
    with pytest.raises(UserError, match=f"generation.{setting}: '{method}' moves words, .* texts of kind 'pair'"):
        prepare(path)


def test_in_json_nothing_is_said_of_marks(tmp_path: Path) -> None:
    job = prepare(write_task(tmp_path, TAGGED, kind="tags", labels=SLOTS, generation=FEW | {"output": "json"}))
    assert job.form_name == "completion_json_tags"
    assert example_prompts(job)["time"] == (
        "Short remarks.\ntime: a time\n\n"
        '1. {"text":"Ann at six","slots":[{"slot":"who","value":"Ann"},{"slot":"time","value":"six"}]}\n2.'
    )

"""Seeds and test rows of sets of other kinds than single labels, from small hand-made folders of the same form."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yardstick.kinds import MUSIC, crossner, draw_seeds, nlupp_banking, rte
from yardstick.product import write_rows, write_task

from cluster.config import load_config
from generation.errors import UserError
from generation.items import read_items
from generation.kinds import make_kind
from generation.task import Example


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_several_labels(tmp_path: Path) -> None:
    about = {"why": {"description": "is the intent to ask why?"}, "card": {"description": "is it about a card?"}}
    rows = [
        {"text": "why is my card gone", "labels": ["why", "card"], "slots": []},
        {"text": "hm", "labels": [], "slots": []},
        {"text": "why?", "labels": ["why"], "slots": []},
        {"text": "a card", "labels": ["card"], "slots": []},
    ]
    write(tmp_path / "nlupp" / "banking" / "train.jsonl", rows)
    write(tmp_path / "nlupp" / "banking" / "test.jsonl", [rows[1], rows[2]])
    (tmp_path / "nlupp" / "ontology.json").write_text(json.dumps({"intents": about}))
    split = nlupp_banking(tmp_path, 2)
    assert [(label.name, label.description) for label in split.task.labels] == [
        ("card", "it about a card"),
        ("why", "the intent to ask why"),
    ]
    # what the test asks is no seed
    assert {seed.label for seed in split.task.seeds} == {"card+why", "card"}
    assert [(row.text, row.label) for row in split.test] == [("why?", "why")]
    assert nlupp_banking(tmp_path, 2) == split


def test_tags(tmp_path: Path) -> None:
    def row(*tokens: str) -> dict[str, Any]:
        tags = ["B-band" if token[0].isupper() else "O" for token in tokens]
        return {"text": " ".join(tokens), "tokens": tokens, "tags": tags}

    write(tmp_path / "crossner" / "music" / "train.jsonl", [row("by", "Abba"), row("by", "[", "Can", "]"), row("Blur")])
    write(tmp_path / "crossner" / "music" / "test.jsonl", [row("by", "Doors"), row("by", "abba", "[sic]")])
    write(tmp_path / "crossner" / "music" / "dev.jsonl", [row("by", "Kraftwerk")])
    split = crossner(tmp_path, "music", 5)
    assert split.task.label_names == list(MUSIC)
    assert sorted(split.kind.write(seed) for seed in split.task.seeds) == ["[band: Blur]", "by [band: Abba]"]
    assert [split.kind.write(example) for example in split.test] == ["by [band: Doors]"]
    written = ["by [band: Abba]", "[band: Blur]", "by [band: Kraftwerk]"]
    assert [split.kind.write(example) for example in split.train] == written


def test_pairs(tmp_path: Path) -> None:
    def row(premise: str, hypothesis: str, label: str) -> dict[str, Any]:
        return {"premise": premise, "hypothesis": hypothesis, "label": label}

    train = [row("It rains.", "It is wet.", "entailment"), row("It rains.", "It is hot.", "not_entailment")]
    write(tmp_path / "rte" / "train.jsonl", train)
    write(tmp_path / "rte" / "dev.jsonl", [row("It snows.", "It is cold.", "entailment")])
    split = rte(tmp_path, 5)
    assert sorted((seed.text, seed.label) for seed in split.task.seeds) == [
        ("It rains. ||| It is hot.", "not_entailment"),
        ("It rains. ||| It is wet.", "entailment"),
    ]
    assert [(row.text, row.label) for row in split.test] == [("It snows. ||| It is cold.", "entailment")]
    task = load_config(write_task(tmp_path, split.task, split.task.seeds, split.kind, quota=3))
    assert (task.name, task.kind, task.quota) == ("rte", "pair", 3)


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("label", Example("one", "a")),
        ("pair", Example("one ||| two", "a")),
        ("multi_label", Example("one", "a+b")),
        ("tags", Example("one , two", None, tokens=("one", ",", "two"), tags=("B-a", "O", "B-b"))),
    ],
)
def test_a_task_reads_what_is_written_for_it(tmp_path: Path, name: str, example: Example) -> None:
    kind = make_kind(name, ["a", "b"])
    write_rows(tmp_path / "rows.jsonl", kind, [example])
    ((place, item),) = read_items(tmp_path / "rows.jsonl")[1]
    assert kind.read("rows", place, item) == replace(example, line=1)


def test_rare_labels_choose_first() -> None:
    kind = make_kind("multi_label", ["a", "b"])
    examples = [Example(str(number), "a") for number in range(5)] + [Example("both", "a+b")]
    for seed in range(5):
        chosen = draw_seeds(kind, examples, 2, random.Random(seed))
        assert [example.label for example in chosen] == ["a+b", "a"]


def test_a_set_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must hold a folder 'crossner'"):
        crossner(tmp_path, "music", 5)

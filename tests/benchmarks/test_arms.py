"""Arms on a hand-made corpus, with the real encoder and a judge of a few steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from lift import USUAL, benchmark_config
from yardstick.arms import ARMS, FREE, Recipe, _denoised, _generated, _with_guideline, looked_at, of_better_lm
from yardstick.cell import Cell
from yardstick.corpus import Corpus, CorpusSpec
from yardstick.encoders import Encoders
from yardstick.sets import Split
from yardstick.tiers import TIERS

from generation.errors import UserError
from generation.methods import METHODS
from generation.records import rows_table
from training.losses import LOSSES

GENERATED = [
    ("please carry the old kitchen door outside", "door"),
    ("can somebody unlock a garden door tonight", "door"),
    ("would you wash every window upstairs today", "door"),  # says window
    ("please replace that cracked window pane", "window"),
    ("please replace that cracked window pane!", "window"),  # the same again
    ("?", "window"),  # empty
]


@dataclass
class HandMade:
    """In place of the cache: rows as an engine might have made them; `wanli` wrote the first of them only."""

    def get(self, spec: CorpusSpec) -> Corpus:
        rows = [
            {"id": str(number), "request_id": str(number), "round": 0, "wave": 0, "text": text, "intended_label": label}
            | {"mean_logprob": -1.0 - number, "finish_reason": "stop", "prompt_tokens": 7, "output_tokens": 5}
            for number, (text, label) in enumerate(GENERATED[: 1 if spec.settings.method == "wanli" else None])
        ]
        return Corpus(rows_table(rows), prompt_tokens=42, output_tokens=30, seconds=2.0)


@pytest.fixture
def cell(split: Split, tmp_path: Path) -> Cell:
    config = benchmark_config(["student.judge_steps=4", "student.steps=2", "student.batch_size=4"])
    return Cell(split, 3, config, HandMade(), Encoders(tmp_path / "judges", config.student))  # type: ignore[arg-type]


# others start runs of the product
MADE_HERE = {name: arm for name, arm in ARMS.items() if not arm.runs}


def labelled(recipe: Recipe) -> list[tuple[str, str]]:
    return [(row.text.split()[-1], row.label) for row in recipe.rows]


def test_what_each_arm_trains_on(cell: Cell):
    recipes = {name: arm.make(cell) for name, arm in MADE_HERE.items()}
    assert labelled(recipes["prompted"]) == [
        ("outside", "door"),
        ("tonight", "door"),
        ("today", "door"),
        ("pane", "window"),
    ]
    assert labelled(recipes["prompted + oracle filter"]) == [
        ("outside", "door"),
        ("tonight", "door"),
        ("pane", "window"),
    ]
    assert labelled(recipes["prompted + oracle relabel"])[2] == ("today", "window")
    assert labelled(recipes["prompted + agreement (probe)"]) == labelled(recipes["prompted + oracle filter"])
    assert recipes["template"].rows[0].text == "an order about the door"
    assert [row.label for row in recipes["real rows"].rows].count("door") == 1  # three are wanted, one is left
    assert len(recipes["eda"].rows) == 6
    assert {name for name, recipe in recipes.items() if recipe.generated} == {
        name for name in MADE_HERE if name.startswith(("prompted", "labelmill", "rows of"))
    }


def test_other_methods_have_rows_of_their_own(cell: Cell):
    assert {arm.generation["method"] for arm in ARMS.values() if arm.generation} == METHODS.keys() - {
        "prompted",
        "pseudo_label",
    }
    arm = ARMS["rows of wanli"]
    other = cell.written_with(arm.generation)
    assert other is cell.written_with(arm.generation) and cell.written_with({}) is cell
    assert labelled(arm.make(other)) == [("outside", "door")]
    assert other.spec.settings.method == "wanli" and cell.spec.settings.method == "prompted"
    assert "rows of wanli" not in USUAL and "labelmill" in USUAL


def test_losses_are_arms_that_are_fine_tuned(cell: Cell):
    arms = {name: arm for name, arm in ARMS.items() if arm.student}
    assert {arm.student["loss"] for arm in arms.values()} == LOSSES.keys() and not arms.keys() & {*USUAL}
    arm, usual = ARMS["labelmill, loss cross_entropy"], ARMS["labelmill"]
    assert arm.make(cell) == usual.make(cell)
    with pytest.raises(KeyError, match="no such loss"):  # it comes to the trainer
        TIERS["fine-tune"](cell, replace(arm, student={"loss": "no such loss"}), arm.make(cell))


def test_people_correct_what_the_judge_is_least_sure_of(cell: Cell):
    true = ARMS["prompted + oracle relabel"].make(cell).rows
    plain, once = ARMS["labelmill"].make(cell).rows, looked_at(cell, 1).rows
    assert looked_at(cell, 50).rows[2:] == true  # the first two are the guideline's
    least = cell.texts[int(cell.judged.max(axis=1).argmin())]
    assert [row for row in once if row.text == least] == [row for row in true if row.text == least]
    assert [row for row in once if row.text != least] == [row for row in plain if row.text != least]


def test_a_better_lm_errs_less(cell: Cell):
    assert of_better_lm(cell, 1.0) == ARMS["labelmill"].make(cell)
    wrong = cell.texts.index("would you wash every window upstairs today")
    taken = np.arange(4) != wrong
    found = of_better_lm(cell, 0.0)
    assert found == _with_guideline(cell, _generated(cell, *_denoised(cell, taken)))
    assert "today" not in dict(labelled(found)) and len(found.rows) == 5


def test_only_generated_rows_cost_tokens(cell: Cell):
    tokens = {name: arm.make(cell).tokens for name, arm in MADE_HERE.items()}
    assert {name for name, count in tokens.items() if count == 72} == {
        name for name in MADE_HERE if name.startswith(("prompted", "labelmill", "rows of"))
    }
    assert set(tokens.values()) == {0, 72}


def test_quality_is_the_oracles_view(cell: Cell):
    quality = cell.quality(ARMS["prompted"].make(cell).rows)
    assert quality["label_right"] == 75.0
    assert quality["copy_rate"] == 0.0


@pytest.mark.parametrize("tier", TIERS)
def test_every_arm_gives_a_student_in_every_tier(cell: Cell, tier: str):
    for arm in MADE_HERE.values():
        accuracy, seconds = TIERS[tier](cell, arm, arm.make(cell))
        assert accuracy in (0.0, 50.0, 100.0) and seconds >= 0, arm.name


def test_no_free_arm_needs_what_is_not_free(split: Split, tmp_path: Path):
    """Without corpus, unlabelled rows and further real rows, free arms still run."""
    config = benchmark_config(["student.judge_steps=1", "student.steps=1", "student.batch_size=4"])
    bare = replace(split, unlabelled=(), rest=(), real=replace(split.real, train=()))
    blind = Cell(bare, 3, config, None, Encoders(tmp_path, config.student))  # type: ignore[arg-type]
    for arm in (ARMS[name] for name in FREE):
        if not arm.equal_steps:  # which reads the size of the corpus, and no text of it
            for tier in TIERS.values():
                assert 0 <= tier(blind, arm, arm.make(blind))[0] <= 100
    assert "self-training" not in FREE and "real rows" not in FREE


def test_settings_that_cannot_be_changed_are_refused():
    for change in ("quota=3", "student.model=x", "model=x"):
        with pytest.raises(UserError, match="--with: must change generation, adapt, denoise or student"):
            benchmark_config([change])

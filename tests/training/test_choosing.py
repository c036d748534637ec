"""The logprob of each label's name as the answer to what is asked about a text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from generation.choices import choice_prompt
from generation.methods import make_method
from generation.methods.pseudo_label import PseudoLabel
from generation.tokens import encode_spans
from tests.training.adapters.cases import TASK, alone, make_scribe
from tests.training.cases import LABELS, SEEDS, UNSEEN
from training.choosing import ChoiceSpec, LabelChooser

TEXTS = [text for text, _ in UNSEEN]


@pytest.fixture(scope="module", params=["completion", "chat"])
def chooser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LabelChooser:
    folder = make_scribe(tmp_path_factory.mktemp("choosing") / "scribe")
    method = make_method("pseudo_label", request.param, folder)
    assert isinstance(method, PseudoLabel)
    return LabelChooser(ChoiceSpec(TASK, method, folder, exemplars=4, ways=3))


def expected(chooser: LabelChooser, way: int, text: str, labels: list[str], label: str) -> float:
    """By one prompt and one answer alone."""
    spec, asked = chooser.spec, chooser.ways[way]
    task = replace(TASK, labels=tuple(TASK.label(name) for name in labels))
    begin, end = choice_prompt(asked, spec.method, task, spec.shown(labels), text).rsplit(f'"{text}"', 1)
    specials = spec.method.form.adds_special_tokens
    (stem, _), *_ = encode_spans(spec.model_folder, [begin + '"'], specials)
    tail, answer = (
        tokens for tokens, _ in encode_spans(spec.model_folder, [f'{text}"{end}', asked.answer(label)], False)
    )
    with torch.inference_mode():
        return float(alone(chooser._lm, [*stem, *tail], answer).sum())


def test_it_is_as_if_each_answer_were_given_alone(chooser: LabelChooser) -> None:
    found = chooser.logprobs(TEXTS[:2], [LABELS] * 2)
    assert found.shape == (3, 2, 3)
    for way, row, label in ((0, 0, "weather"), (1, 1, "food"), (2, 1, "music")):
        wanted = expected(chooser, way, TEXTS[row], list(LABELS), label)
        assert found[way, row, LABELS.index(label)] == pytest.approx(wanted, abs=0.1, rel=0.02)


def test_labels_that_a_text_is_not_asked_about_are_nan(chooser: LabelChooser) -> None:
    found = chooser.logprobs(TEXTS[:3], [["music", "food"], list(LABELS), ["food", "music"]])
    assert np.isnan(found[:, [0, 2], 0]).all() and np.isfinite(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2], 1:]).all()
    wanted = expected(chooser, 0, TEXTS[2], ["music", "food"], "food")
    assert found[0, 2, 2] == pytest.approx(wanted, abs=0.1, rel=0.02)


def test_many_texts_are_asked_about_as_one_is(chooser: LabelChooser) -> None:
    """They come in several documents, each with the same beginning."""
    texts = [f"{text} number {number}" for number in range(3) for text, _ in SEEDS]
    found = chooser.logprobs(texts, [LABELS] * len(texts))
    last = chooser.logprobs(texts[-1:], [LABELS])
    assert found[:, -1] == pytest.approx(last[:, 0], abs=0.1, rel=0.02)


def test_shown_seeds_are_of_all_labels_in_turn(chooser: LabelChooser) -> None:
    assert sorted(seed.label for seed in chooser.spec.shown(LABELS)[:3]) == sorted(LABELS)
    assert {seed.label for seed in chooser.spec.shown(["food"])} == {"food"}

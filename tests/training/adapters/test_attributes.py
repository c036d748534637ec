"""Seeds that tell of attributes: prompts ask for them, and a mixture has a prompt of each value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cluster.soft_tokens import load_soft_tokens
from generation.adapters.folder import read_adapter
from generation.adapters.mixture import read_mixture, values_of
from generation.attribute import Attribute
from generation.combinations import phrases
from generation.kinds import make_kind
from generation.task import Example, Task
from generation.tokens import encode_spans, encode_texts
from tests.training.adapters.cases import MIXERS, TASK, make_job, plain_lm, trained
from tests.training.cases import LABELS
from training.adapters.adaptation import logprobs
from training.adapters.build import build_adaptation
from training.adapters.contrast import label_contrast
from training.adapters.curriculum import Curriculum
from training.adapters.mixture import MixtureOfPrompts
from training.adapters.weights import token_weights
from training.branching import Document

TONE = Attribute(name="tone", values=("curt", "polite"), phrase="in a {value} tone")
PLACE = Attribute(name="slot.place", values=("a kitchen", "a park"))
VALUES = ("task", "label=weather", "label=music", "label=food", "tone=curt", "tone=polite", "slot.place")


def told(seed: Example, number: int) -> Example:
    """Every other seed is curt, and one of three says where."""
    more = [("slot.place", "here")] * (number % 3 == 0)
    return replace(seed, attributes=(*more, ("tone", TONE.values[number % 2])))


TONED = replace(
    TASK, attributes=(TONE, PLACE), seeds=tuple(told(seed, number) for number, seed in enumerate(TASK.seeds))
)


def mixture(scribe: Path, tmp_path: Path, **more: Any) -> tuple[Curriculum, MixtureOfPrompts]:
    job = make_job(scribe, tmp_path / "out", "mixture", task=TONED, **more)
    adaptation = build_adaptation(job, plain_lm(scribe))
    assert isinstance(adaptation, MixtureOfPrompts)
    return Curriculum(job), adaptation


@pytest.mark.parametrize("method", ["control_codes", "mixture"])
def test_a_lesson_is_asked_for_as_an_engine_asks(scribe: Path, tmp_path: Path, method: str) -> None:
    """With a heading of its attributes between exemplars and text; each is learnt once all the same."""
    job = make_job(scribe, tmp_path, method, task=TONED, exemplars=0)
    curriculum = Curriculum(job)
    documents = [each for step in range(curriculum.steps // job.settings.epochs) for each in curriculum.documents(step)]
    found = {}
    for document in documents:
        for branch in document.branches:
            (target,) = branch.targets
            found[target.text] = (list(document.prompt), dict(document.attributes))
    assert sorted(found) == list(range(len(TONED.seeds)))
    for lesson in curriculum.taught:
        asked = phrases(TONED, dict(lesson.attributes))
        assert asked["tone"] in ("in a curt tone", "in a polite tone")
        prompt = job.method.prompt(TONED, TONED.label(lesson.label), [], attributes=asked)
        assert found[lesson.number] == (encode_texts(scribe, [prompt])[0], dict(lesson.attributes))


def test_prompts_begin_as_what_the_values_stand_for(scribe: Path, tmp_path: Path) -> None:
    _, adaptation = mixture(scribe, tmp_path)
    assert adaptation.mixture.shape.values == VALUES
    table = plain_lm(scribe).embeddings.weight
    for value, words in (("tone=curt", "in a curt tone"), ("slot.place", "place")):
        ids = encode_texts(scribe, [words])[0]
        wanted = table[[ids[place % len(ids)] for place in range(3)]]
        torch.testing.assert_close(adaptation.mixture.prompts[VALUES.index(value)], wanted)


@pytest.mark.parametrize("mixer", MIXERS)
def test_prompts_of_all_values_get_gradient(scribe: Path, tmp_path: Path, mixer: str) -> None:
    """And those of a value that no document has get none."""
    curriculum, adaptation = mixture(scribe, tmp_path, mixer=mixer)
    documents = [each for each in curriculum.documents(0) if each.attributes["tone"] == "curt"]
    lm = adaptation._lm[0]
    (-sum(found.sum() for _, found in logprobs(lm, adaptation, documents))).backward()
    moved = [float(each.abs().max()) > 1e-6 for each in adaptation.mixture.prompts.grad]
    had = {value for each in documents for value in values_of(each.label, each.attributes)}
    assert dict(zip(VALUES, moved, strict=True)) == {value: value in had for value in VALUES}
    assert "tone=curt" in had and "slot.place" in had and "tone=polite" not in had
    assert all(float(each.grad.abs().max()) > 0 for each in adaptation.mixture.mixer.parameters())


@pytest.mark.parametrize("mixer", ["concat", "attention"])
def test_an_engine_mixes_as_training_did(scribe: Path, tmp_path: Path, mixer: str) -> None:
    trainer = trained(make_job(scribe, tmp_path / "out", "mixture", task=TONED, mixer=mixer, epochs=2))
    folder = trainer.save().folder / "all"
    assert read_mixture(folder).values == VALUES
    soft, base = load_soft_tokens(read_adapter(folder), folder, scribe, torch.float32), plain_lm(scribe)
    trainer.adaptation._lm[0] = base  # its embeddings in float32, as the engine's are read
    prompt = encode_spans(scribe, ["1. play a song\n2."], True)[0][0]
    for attributes in ({}, {"tone": "polite"}, {"tone": "curt", "slot.place": "a park"}):
        with torch.inference_mode():
            wanted = trainer.adaptation.soft([Document("music", prompt, [], attributes)])
        found = soft(prompt, values_of("music", attributes))
        assert len(found) == 2 + 3 * ((2 + len(attributes)) if mixer == "concat" else 1)
        torch.testing.assert_close(found, wanted)


def test_held_out_seeds_are_scored_with_their_own_attributes(scribe: Path, tmp_path: Path) -> None:
    curriculum, adaptation = mixture(scribe, tmp_path, held_out=0.5)
    documents = curriculum.held_documents()
    assert {each.label for each in documents} == set(LABELS)
    for label in LABELS:
        own = [each for each in documents if each.label == label]
        assert len({str(each.attributes) for each in own}) == len(own) > 1
        assert sum(len(each.branches) for each in own) == len(curriculum.held) == 6
    accuracy, loss, _ = label_contrast(adaptation._lm[0], adaptation, curriculum)
    assert 0 <= accuracy <= 1 and loss > 0


def test_token_weights_stay_with_their_texts(scribe: Path, tmp_path: Path) -> None:
    """The attributes are the same under all labels, and a template that does not show them gives the plain weights."""
    template = tmp_path / "template"
    template.write_text("{{ label.name }}:")
    found = []
    for task in (TASK, TONED):
        job = make_job(scribe, tmp_path, task=task)
        job = replace(job, method=replace(job.method, source=template.read_text()))
        found.append(token_weights(plain_lm(scribe), Curriculum(job), 2.0))
    for plain, toned in zip(*found, strict=True):
        torch.testing.assert_close(plain, toned, rtol=1e-3, atol=1e-3)


def test_the_last_seed_of_a_value_is_not_held_out(scribe: Path, tmp_path: Path) -> None:
    seeds = [replace(seed, attributes=()) for seed in TASK.seeds]
    first = min(range(4), key=lambda place: seeds[place].id)  # the one that would be held out
    seeds[first] = Example(seeds[first].text, seeds[first].label, attributes=(("tone", "curt"),))
    alone = make_job(scribe, tmp_path, held_out=0.25, task=replace(TONED, seeds=tuple(seeds)))
    assert seeds[first].id not in {seed.id for held in alone.held_out().values() for seed in held}
    assert {label: len(held) for label, held in alone.held_out().items()} == dict.fromkeys(LABELS, 1)


def test_slots_of_tagged_texts_have_prompts(scribe: Path, tmp_path: Path) -> None:
    """The labels of such a task are slots; a seed teaches each that it fills."""
    kind = make_kind("tags", ["who", "when"])
    items = [{"text": f"Call [who: Ann {number}] at [when: five]"} for number in range(3)]
    seeds = tuple(kind.read("here", number, item) for number, item in enumerate(items))
    labels = tuple(TASK.labels[0].model_copy(update={"name": name}) for name in ("who", "when"))
    shown = kind.shown(Task("calls", "Calls.", labels, seeds))
    curriculum = Curriculum(make_job(scribe, tmp_path, "mixture", task=shown))
    assert [(each.label, each.text) for each in curriculum.taught[:2]] == [
        ("who", "Call [who: Ann 0] at [when: five]"),
        ("who", "Call [who: Ann 1] at [when: five]"),
    ]
    adaptation = build_adaptation(curriculum.job, plain_lm(scribe))
    assert adaptation.mixture.shape.values == ("task", "label=who", "label=when")

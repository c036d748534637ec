"""Pairs and tagged texts as JSON objects: what a prompt shows is what is read from an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation.forms.base import MalformedError
from generation.methods import make_method
from generation.parts_in_json import KIND_FORMS
from generation.settings import GenerationSettings
from tests.generation.cases import LOST, TASK

PAIR = "It  rains. ||| The street is wet."
TAGGED = "meet [person: Ann Lee] at [time: noon], not at noon"


@pytest.mark.parametrize(
    ("form", "text", "shown"),
    [
        ("completion_json_pair", PAIR, {"text_a": "It rains.", "text_b": "The street is wet."}),
        (
            "completion_json_tags",
            TAGGED,
            {
                "text": "meet Ann Lee at noon, not at noon",
                "slots": [{"slot": "person", "value": "Ann Lee"}, {"slot": "time", "value": "noon"}],
            },
        ),
    ],
)
def test_what_is_shown_is_what_is_read(model: Path, form: str, text: str, shown: dict) -> None:
    for name in (form, form.replace("completion", "chat")):
        made = make_method("prompted", name, model).form
        assert json.loads(made.show(text)) == shown and set(made.schema["required"]) == set(shown)
        assert made.parse(made.show(text)) == " ".join(text.split())


def test_slots_may_come_in_any_order_and_twice(model: Path) -> None:
    form = make_method("prompted", "completion_json_tags", model).form
    slots = [{"slot": "time", "value": "noon"}, {"slot": "person", "value": "Ann"}, {"slot": "end", "value": "noon"}]
    told = {"text": "Ann from noon  to noon", "slots": slots}
    assert form.parse(json.dumps(told)) == "[person: Ann] from [time: noon] to [end: noon]"


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ("completion_json_pair", {"text": PAIR}),
        ("completion_json_pair", {"text_a": "It rains."}),
        ("completion_json_pair", {"text_a": "It rains.", "text_b": 3}),
        ("completion_json_tags", {"text": "meet Ann"}),
        ("completion_json_tags", {"text": "meet Ann", "slots": "person"}),
        ("completion_json_tags", {"text": "meet Ann", "slots": [{"slot": "person"}]}),
        ("completion_json_tags", {"text": "meet Ann", "slots": [{"slot": "person", "value": "Eva"}]}),
        ("completion_json_tags", {"text": "meet Ann", "slots": [{"slot": "person", "value": " "}]}),
        ("completion_json_tags", {"text": "meet Ann", "slots": [{"slot": "", "value": "Ann"}]}),
        ("completion_json_tags", {"text": "meet Ann", "slots": [{"slot": "a:b]", "value": "Ann"}]}),
        ("completion_json_tags", {"text": "meet [Ann]", "slots": [{"slot": "person", "value": "Ann"}]}),
        ("completion_json_tags", {"text": "meet Ann", "slots": [{"slot": "person", "value": "Ann"}] * 2}),
    ],
)
def test_malformed_answers(model: Path, form: str, answer: object) -> None:
    with pytest.raises(MalformedError):
        make_method("prompted", form, model).parse(json.dumps(answer))


def test_the_settings_and_the_kind_name_the_form(model: Path) -> None:
    assert GenerationSettings(output="json").form_name("pair") == "completion_json_pair"
    assert GenerationSettings(output="json", form="chat").form_name("tags") == "chat_json_tags"
    assert GenerationSettings(output="json").form_name("multi_label") == "completion_json"
    assert GenerationSettings().form_name("pair") == "completion"
    for name in KIND_FORMS:
        assert make_method("prompted", name, model).form.name == name


def test_a_message_names_the_fields(model: Path) -> None:
    prompt = make_method("prompted", "chat_json_pair", model).prompt(TASK, LOST, [])
    assert 'Write it as a JSON object with the fields "text_a" and "text_b".\n' in prompt

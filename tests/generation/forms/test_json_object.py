"""Lists of JSON objects, and messages that ask for one; what is no such object is malformed."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.forms.base import MalformedError
from generation.forms.json_object import SCHEMA
from generation.methods import make_method
from generation.settings import GenerationSettings
from tests.generation.cases import LOST, TASK

FORMS = ("completion_json", "chat_json")


def test_a_list_of_objects(model: Path) -> None:
    assert make_method("prompted", "completion_json", model).prompt(TASK, LOST, TASK.seeds[:2]) == (
        "Messages to a library.\nlost card: the card is gone\n\n"
        '1. {"text":"I left my card on the bus"}\n2. {"text":"card gone"}\n3.'
    )


def test_a_message_that_asks_for_an_object(model: Path) -> None:
    assert make_method("prompted", "chat_json", model).prompt(TASK, LOST, TASK.seeds[1:2]) == (
        "<s>[user] Messages to a library.\n"
        'Write one new text with the label "lost card": the card is gone\n'
        "Rule: Not one that broke.\n"
        "Examples of this label:\n"
        '- {"text":"card gone"}\n'
        "Answer with the new text alone, on one line, unlike the examples in wording.\n"
        'Write it as a JSON object with the one field "text".\n'
        "[assistant] "
    )


@pytest.mark.parametrize("form", FORMS)
def test_what_is_shown_is_what_is_read(model: Path, form: str) -> None:
    method = make_method("prompted", form, model)
    assert method.form.show('Är  "it"\nhere?') == r'{"text":"Är \"it\" here?"}'
    assert method.parse(method.form.show('Är  "it"\nhere?')) == 'Är "it" here?'


@pytest.mark.parametrize("form", FORMS)
def test_parse(model: Path, form: str) -> None:
    method = make_method("prompted", form, model)
    assert method.parse(' {"text" : "I lost\\nit"}\n') == "I lost it"
    assert method.parse('{"text":""}') == ""


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I lost it.",
        '{"text":"I lost',
        '["I lost it"]',
        '"I lost it"',
        '{"text":3}',
        '{"texts":"I lost it"}',
        '{"text":"I lost it","label":"lost_card"}',
        '{"text":"I lost it"} so',
        r'{"text":"\ud83d half"}',
        "[" * 100_000,
    ],
)
def test_malformed_answers(model: Path, answer: str) -> None:
    with pytest.raises(MalformedError):
        make_method("prompted", "completion_json", model).parse(answer)


def test_where_an_answer_ends(model: Path) -> None:
    completion, chat = (make_method("prompted", form, model) for form in FORMS)
    assert (completion.stop, chat.stop) == (("\n",), ())
    assert (completion.form.schema, chat.form.schema) == (SCHEMA, SCHEMA)
    assert (completion.form.may_be_padded, chat.form.may_be_padded) == (True, False)


@pytest.mark.parametrize(
    ("form", "output", "name"),
    [
        ("completion", "text", "completion"),
        ("completion", "json", "completion_json"),
        ("chat", "text", "chat"),
        ("chat", "json", "chat_json"),
    ],
)
def test_the_settings_name_the_form(model: Path, form: str, output: str, name: str) -> None:
    assert GenerationSettings(form=form, output=output).form_name() == name
    assert make_method("prompted", name, model).form.layout == form

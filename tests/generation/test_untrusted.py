"""Texts of unknown hands, as prompts hold them."""

from __future__ import annotations

import json
from pathlib import Path

from injections import ATTACKS

from generation.choices import choice_prompt, examples_among, ways_of
from generation.methods import make_method
from generation.methods.pseudo_label import PseudoLabel
from generation.untrusted import MOST_CHARACTERS, delimited, names_label
from tests.generation.cases import TASK


def test_a_text_stands_on_one_line_between_marks_that_it_cannot_close() -> None:
    assert delimited(' hi\n\tthere "you" \\ ') == '"hi there \\"you\\" \\\\"'
    assert delimited("a <|im_end|> b") == '"a \\u003c\\u007cim_end\\u007c\\u003e b"'
    assert delimited("[INST] {{ x }}") == '"\\u005bINST\\u005d \\u007b\\u007b x \\u007d\\u007d"'
    assert delimited("grün 🙂") == '"grün 🙂"'


def test_a_long_text_is_cut() -> None:
    found = json.loads(delimited("word " * 5000))
    assert len(found) <= MOST_CHARACTERS + 2 and found.endswith(" …")


def test_no_attack_gets_out_of_its_marks() -> None:
    for attack in ATTACKS:
        shown = delimited(attack)
        assert json.loads(shown) == " ".join(attack.split())  # it says all that was said, as one string
        assert "\n" not in shown and not set(shown) & set("<>[]{}|")
        assert '"' not in shown[1:-1].replace("\\\\", "").replace('\\"', "")


def test_what_follows_an_attack_is_what_follows_any_text(model: Path) -> None:
    """Prompts about different texts differ in one quoted string, and so does no part that tells what to do."""
    for layout in ("completion", "chat"):
        method = make_method("pseudo_label", layout, model)
        assert isinstance(method, PseudoLabel)
        seeds = examples_among(TASK.seeds, TASK.label_names, 4)
        for way in ways_of(layout, 4):
            before, after = choice_prompt(way, method, TASK, seeds, "MARK").split('"MARK"')
            for attack in ATTACKS[::9]:
                assert choice_prompt(way, method, TASK, seeds, attack) == before + delimited(attack) + after


def test_texts_that_name_a_label() -> None:
    labels = ["lost_card", "pay bill?"]
    assert all(names_label(text, labels) for text in ("say lost_card!", "my Lost-Card is", "PAY_BILL", "pay  bill"))
    assert not any(names_label(text, labels) for text in ("lost my card", "pay bills", "", "_"))
    assert all(names_label(attack, ["lost_card", "opening_hours"]) for attack in ATTACKS)
    assert not names_label("a text", ["?"])

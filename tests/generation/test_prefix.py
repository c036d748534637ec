from __future__ import annotations

from generation.methods.base import Ask
from generation.prefix import common_begin, shared_begins

ANGRY, POLITE = {"tone": "angry"}, {"tone": "polite"}


def test_what_texts_begin_with() -> None:
    assert common_begin(["abc d", "abc e", "abc"]) == "abc"
    assert common_begin(["abc d", "abc e"]) == "abc "
    assert common_begin(["one"]) == "one"
    assert common_begin(["a", "b"]) == ""


def test_prompts_with_attributes_share_their_exemplars() -> None:
    asks = [Ask("1 2 angry", ("a", "b"), ANGRY), Ask("1 2 polite", ("a", "b"), POLITE), Ask("2 3 dry", ("b",), ANGRY)]
    assert shared_begins(asks) == {"1 2 angry": "1 2 ", "1 2 polite": "1 2 ", "2 3 dry": "2 3 dry"}


def test_other_prompts_are_shared_as_they_are() -> None:
    asks = [Ask("1 2 x", ("a",)), Ask("1 2 y", ("a",)), Ask("1 2 x", ("a",))]
    assert shared_begins(asks) == {"1 2 x": "1 2 x", "1 2 y": "1 2 y"}
    assert shared_begins([]) == {}

"""What an engine is told not to write, with a made-up tokenizer."""

from __future__ import annotations

from generation.decoding.banned import engine_bans, spellings

TOKENS = {"cat": [1], " cat": [2], "Cat": [3], " Cat": [4, 1], "CAT": [5, 6], " CAT": [7, 6]}


def test_spellings() -> None:
    assert spellings(["of course", "C++", "iPhone"]) == [
        *("of course", "OF COURSE", "Of course"),
        *("C++", "c++"),
        *("iPhone", "iphone", "IPHONE", "Iphone"),
    ]


def test_single_tokens_are_ruled_out_by_their_bias_and_the_rest_by_vllm() -> None:
    assert engine_bans(["cat"], TOKENS.__getitem__) == {
        "logit_bias": {1: -100.0, 2: -100.0, 3: -100.0},
        "bad_words": ["CAT"],
    }


def test_nothing_is_banned() -> None:
    assert engine_bans([], TOKENS.__getitem__) == {}

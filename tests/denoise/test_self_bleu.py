from __future__ import annotations

import math
import random

import pytest

from denoise.self_bleu import self_bleu


def test_known_values() -> None:
    assert self_bleu(["a b c d e", "a b c d e"]) == pytest.approx(1)
    # the second lacks nothing but its length; of the first, 5 of 6, 4 of 5, 3 of 4 and 2 of 3 n-grams are in it
    first = math.exp((math.log(5 / 6) + math.log(4 / 5) + math.log(3 / 4) + math.log(2 / 3)) / 4)
    assert self_bleu(["a b c d e f", "a b c d e"]) == pytest.approx((first + math.exp(1 - 6 / 5)) / 2)
    # nothing in common: half a hit of each order
    apart = math.exp((math.log(0.5 / 3) + math.log(0.5 / 2) + math.log(0.5)) / 3)
    assert self_bleu(["a b c", "d e f"]) == pytest.approx(apart)


def test_an_ngram_counts_as_often_as_one_other_text_has_it() -> None:
    assert self_bleu(["a a a", "a"]) == pytest.approx(
        (math.exp((math.log(1 / 3) + math.log(0.5 / 2) + math.log(0.5)) / 3) + math.exp(1 - 3)) / 2
    )


def test_one_text_or_none() -> None:
    assert [self_bleu([]), self_bleu(["a b"]), self_bleu(["a b", "?!"])] == [0, 0, 0]


def test_alike_texts_score_higher_in_any_order_and_sampled() -> None:
    draw = random.Random(0)
    alike = [f"please tell me about my order number {draw.random()}" for _ in range(300)]
    varied = [" ".join(draw.choice("abcdefghijklmnop") for _ in range(9)) for _ in range(300)]
    assert self_bleu(alike) > 0.7 > self_bleu(varied)
    assert self_bleu(alike[::-1]) == self_bleu(alike)

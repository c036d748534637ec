from __future__ import annotations

import math

import pytest

from denoise.bias import TERMS, Flips, associations, flips, swapped
from denoise.normal import normalise_all

WOMEN, PLAIN = "My sister cannot log in", "The page cannot load"


def test_a_label_that_hangs_on_a_group_alarms() -> None:
    texts = [WOMEN] * 40 + [PLAIN] * 60 + ["The Jewish museum"] * 19
    labels = ["rude"] * 36 + ["fine"] * 4 + ["rude"] * 6 + ["fine"] * 54 + ["fine"] * 19
    found = associations(texts, labels)
    assert [(each.group, each.label, each.rows, each.alarms) for each in found] == [
        ("women", "fine", 40, True),
        ("women", "rude", 40, True),
    ]
    rude = found[1]
    assert rude.log_odds == pytest.approx(math.log(36.5 * 73.5 / (4.5 * 6.5)))
    assert (rude.low + rude.high) / 2 == pytest.approx(rude.log_odds)
    assert rude.information == pytest.approx(math.log(36.5 * 121 / (41 * 43)))
    assert found[0].log_odds == pytest.approx(-rude.log_odds)
    assert str(rude) == "label 'rude' is 91.7 times more likely in the 40 rows that speak of women"


def test_no_alarm_of_chance_or_of_few_rows() -> None:
    texts = [WOMEN] * 40 + [PLAIN] * 60
    assert not any(each.alarms for each in associations(texts, ["rude", "fine"] * 50))
    assert associations([WOMEN] * 19 + [PLAIN] * 60, ["rude"] * 19 + ["fine"] * 60) == []
    assert associations(texts, ["one"] * 100) == []
    assert associations([], []) == []


def test_terms_are_normal_forms_of_one_group_each() -> None:
    terms = [term for group in TERMS.values() for term in group]
    assert normalise_all(terms) == terms
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("He lost his card", "She lost her card"),
        ("she lost her card, I told her", "he lost his card, I told him"),
        ("give her the bill", "give his the bill"),  # a known limit
        ("tell her to call", "tell him to call"),
        ("HE SAID NO", "SHE SAID NO"),
        ("Mr Lee and the men", "Mrs Lee and the women"),
        ("the muslim woman at the mosque", "the christian man at the church"),
        ("the theme is other", None),
    ],
)
def test_swaps(text: str, other: str | None) -> None:
    assert swapped(text) == other


def test_flips_alarm_when_many_flip() -> None:
    found = flips(["a", "b", "c"], ["A", "B", "C"], ["x", "x", "y"], ["x", "y", "x"])
    assert found == Flips(3, 2, (("b", "B"), ("c", "C")))
    assert [Flips(rows, flipped).alarms for rows, flipped in ((19, 19), (20, 2), (20, 6), (200, 30), (200, 40))] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert str(Flips(20, 6)) == "30% of 20 rows change their label when identity terms are swapped"

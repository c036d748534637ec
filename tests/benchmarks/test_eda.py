from __future__ import annotations

from collections import Counter

from yardstick.eda import augment

from generation.task import Example

SEEDS = [Example("please open the kitchen door", "door"), Example("who broke the attic window", "window")]


def synonyms(word: str) -> list[str]:
    return {"open": ["unlock"], "broke": ["smashed"]}.get(word, [])


def test_every_label_gets_its_rows_by_the_four_operations_in_turn():
    rows = augment(SEEDS, 4, synonyms)
    assert Counter(row.label for row in rows) == {"door": 4, "window": 4}
    replaced, inserted, swapped, deleted = (row.text.split() for row in rows[:4])
    assert replaced == ["please", "unlock", "the", "kitchen", "door"]
    assert Counter(inserted) == Counter(["please", "open", "the", "kitchen", "door", "unlock"])
    assert Counter(swapped) == Counter(SEEDS[0].text.split()) and swapped != SEEDS[0].text.split()
    assert set(deleted) <= set(SEEDS[0].text.split()) and deleted


def test_few_rows_take_different_seeds_and_all_operations():
    seeds = [Example(f"please open the {thing} quickly now", "door") for thing in ("gate", "hatch", "barn", "shed")]
    replaced, inserted, swapped, deleted = (row.text.split() for row in augment(seeds, 4, synonyms))
    assert replaced == "please unlock the gate quickly now".split()  # noqa: SIM905
    assert sorted(inserted) == sorted(["unlock", *seeds[1].text.split()])
    assert sorted(swapped) == sorted(seeds[2].text.split())
    assert set(deleted) <= set(seeds[3].text.split())


def test_the_same_seed_gives_the_same_rows():
    assert augment(SEEDS, 8, synonyms, 1) == augment(SEEDS, 8, synonyms, 1)
    assert augment(SEEDS, 8, synonyms, 1) != augment(SEEDS, 8, synonyms, 2)


def test_a_text_of_one_unknown_word_survives_all_operations():
    assert [row.text for row in augment([Example("hello", "greeting")], 4, lambda word: [])] == ["hello"] * 4

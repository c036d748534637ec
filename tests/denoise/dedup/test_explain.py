from __future__ import annotations

from denoise.dedup.explain import curve, planted
from denoise.dedup.settings import DedupSettings


def test_the_curve_of_the_bands() -> None:
    found = curve(DedupSettings("characters", 5, 0.6))
    assert (found["0.50"], found["0.60"], found["0.70"]) == (0.5478, 0.8678, 0.9899)
    assert found["1.00"] == 1


def test_copies_are_found_unless_edits_change_too_much() -> None:
    texts = [f"the reader number {number} of this library has lost a card again today" for number in range(60)]
    one, two, three = planted(texts, DedupSettings())
    assert (one["edits"], one["copies"], one["similar"], one["compared"]) == (1, 60, 1, 1)
    assert 1 >= two["compared"] >= three["compared"] > 0.8
    assert planted(["one two three"] * 40, DedupSettings(threshold=1))[2]["similar"] < 0.5
    assert planted(["word"], DedupSettings())[0] == {"edits": 1, "copies": 0, "similar": None, "compared": None}

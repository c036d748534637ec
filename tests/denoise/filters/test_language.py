from __future__ import annotations

from denoise.filters.language import Language, guess_language
from tests.denoise.filters.cases import reasons

ENGLISH = "I left my library card on the bus this morning"


def test_texts_of_other_languages_go() -> None:
    texts = [ENGLISH, "Meine Karte wurde gestern gestohlen", "Karte weg", "我的卡丢了,怎么办", None]
    rule = Language(frozenset({"en"}), 0.8)
    assert reasons(rule, *texts) == [None, "other_language", None, "other_language", None]
    assert reasons(Language(frozenset({"en", "de", "zh"}), 0.8), *texts) == [None] * 5


def test_languages_of_seeds() -> None:
    rule = Language.of_seeds([ENGLISH, "Meine Karte wurde gestern gestohlen"], 0.8)
    assert rule == Language(frozenset({"en", "de"}), 0.8)
    assert Language.of_seeds(["ok"], 0.8) is None
    assert guess_language("two words") is None

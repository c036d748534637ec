from __future__ import annotations

import pytest

from denoise.filters.toxicity import Toxicity
from tests.denoise.filters.cases import reasons

pytest.importorskip("profanity_check")


def test_offensive_texts_go_but_from_labels_that_need_them() -> None:
    texts = ["you stupid fucking idiot", "where is my card", "you stupid fucking idiot"]
    labels = ["complaint", "complaint", "abuse"]
    assert reasons(Toxicity(0.9), *texts, label=labels) == ["toxic", None, "toxic"]
    assert reasons(Toxicity(0.9, frozenset({"abuse"})), *texts, label=labels) == ["toxic", None, None]
    assert reasons(Toxicity(0.9, frozenset({"abuse"})), texts[0]) == ["toxic"]  # a row without a label
    assert reasons(Toxicity(0.9)) == []

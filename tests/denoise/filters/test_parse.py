from __future__ import annotations

from denoise.filters.parse import Parse
from tests.denoise.cases import draft


def test_reasons() -> None:
    assert Parse().reason(draft(" ")) == "empty"
    assert Parse().reason(draft("?!", "length")) == "empty"
    assert Parse().reason(draft("", "malformed")) == "malformed"
    assert Parse().reason(draft("I lost my", "length")) == "truncated"
    assert Parse().reason(draft("I lost my card", "stop")) is None
    assert Parse().reason(draft("I lost my card", None)) is None


def test_an_answer_that_could_not_be_read() -> None:
    assert Parse().reason(draft("a || b", "malformed")) == "malformed"
    assert Parse().reason(draft("by five", "lacks_slot")) == "lacks_slot"

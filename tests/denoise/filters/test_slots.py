from __future__ import annotations

from denoise.filters.slots import Slots
from tests.denoise.cases import draft

ASKED = {"slot.day": "next  Friday", "slot.hours": "9-12", "persona": "a nurse"}


def test_reasons() -> None:
    assert Slots().reason(draft("Open next Friday, 9-12?", **ASKED)) is None
    assert Slots().reason(draft("Open Next Friday, 9-12?", **ASKED)) == "slot_missing"
    assert Slots().reason(draft("Open next Friday?", **ASKED)) == "slot_missing"
    assert Slots().reason(draft("Open next Friday?", persona="a nurse")) is None
    assert Slots().reason(draft("Open next Friday?")) is None

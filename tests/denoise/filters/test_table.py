from __future__ import annotations

import pyarrow as pa

from denoise.filters.table import build_filters, filter_reasons
from denoise.settings import DenoiseSettings
from tests.denoise.cases import TASK


def test_the_first_reason_wins_and_null_keeps() -> None:
    cases = [
        ("", "length", "empty"),
        ("I lost", "length", "truncated"),
        ("1.", "stop", "too_short"),
        ("card " * 121, "stop", "too_long"),
        ("sure, sure sure sure", "stop", "repetitive"),
        ("Sure, I left my library card on the bus this morning", "stop", "assistant_phrase"),
        ("is the reading room open during the holidays", "stop", "copies_seed"),  # a dev seed
        ("My card snapped in the scanner", "stop", "copies_seed"),  # a counter-example
        ("Someone took my card", "stop", None),
        (None, None, "empty"),
    ]
    texts, finishes, reasons = zip(*cases, strict=True)
    batch = pa.table({"text": pa.array(texts, pa.string()), "finish_reason": pa.array(finishes, pa.string())})
    result = filter_reasons(batch, build_filters(TASK, DenoiseSettings(min_words=2, max_words=120)))
    assert result.type == pa.string()
    assert result.to_pylist() == list(reasons)


def test_an_empty_batch_has_no_reasons() -> None:
    batch = pa.table({"text": pa.array([], pa.string()), "finish_reason": pa.array([], pa.string())})
    assert filter_reasons(batch, build_filters(TASK, DenoiseSettings())).to_pylist() == []


def test_slots_are_looked_for_where_a_row_has_some() -> None:
    asked = pa.array([[("slot.city", "Berlin")], [("slot.city", "Berlin")], None], pa.map_(pa.string(), pa.string()))
    texts = ["My card is in Berlin", "My card is in berlin", "My card is in Rome"]
    batch = pa.table({"text": texts, "finish_reason": ["stop"] * 3, "attributes": asked})
    assert filter_reasons(batch, build_filters(TASK, DenoiseSettings())).to_pylist() == [None, "slot_missing", None]


def test_banned_strings_are_looked_for_where_there_are_some() -> None:
    batch = pa.table({"text": ["Someone took my card", "?"], "finish_reason": ["stop", "stop"]})
    banned = build_filters(TASK, DenoiseSettings(), ["CARD", "?"])
    assert filter_reasons(batch, banned).to_pylist() == ["banned", "empty"]

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from denoise.quotes import GONE, Quotes

LONG = 'Call "Ann Müller"\nat 555-0199 (home), please.'
QUOTES = Quotes([LONG, "so bad"])


@pytest.mark.parametrize(
    ("string", "found"),
    [
        (LONG, True),
        ('1. call "ann müller" at 555-0199 (home), please.\n2.', True),
        (json.dumps({"a": LONG}), True),
        (json.dumps({"a": LONG}, ensure_ascii=False), True),
        ("Call Ann Müller at 555-0199 (home), please.", False),
        ("Call", False),
        (" So  bad\n", True),
        ("it is so bad", False),
        ("", False),
    ],
)
def test_long_texts_anywhere_and_short_ones_whole(string: str, found: bool) -> None:
    assert QUOTES.stand_in(string) is found
    assert QUOTES.mark(pa.chunked_array([[string, None]])).to_pylist() == [found, False]


def test_short_texts_do_not_count_where_there_is_no_content() -> None:
    assert not QUOTES.stand_in("so bad", content=False)
    table = pa.table({"label": ["so bad"], "text": ["so bad"], "tokens": [["so", "bad"]]})
    assert QUOTES.scrub_table(table).to_pylist() == [{"label": "so bad", "text": GONE, "tokens": ["so", "bad"]}]


def test_json_values() -> None:
    told = {"worst": [{"text": "so bad", "label": "so bad"}, {"text": "x"}], LONG: 1, "n": None}
    assert QUOTES.scrub(told) == {"worst": [{"text": GONE, "label": "so bad"}, {"text": "x"}], GONE: 1, "n": None}
    clean = {"a": [1, {"b": "c"}]}
    assert QUOTES.scrub(clean) is clean


def test_lists_and_maps_in_tables() -> None:
    kind = pa.map_(pa.string(), pa.string())
    table = pa.table({"a": [[LONG, "x"]], "m": pa.array([[("k", f"as in {LONG}")]], kind), "n": [1]})
    assert QUOTES.scrub_table(table).to_pylist() == [{"a": [GONE, "x"], "m": [("k", GONE)], "n": 1}]
    clean = pa.table({"a": [["x"]], "s": ["y"]})
    assert QUOTES.scrub_table(clean) is clean


def test_of_no_texts_nothing_is_found() -> None:
    assert not Quotes(["", "  "]) and not Quotes([]).stand_in("")
    assert Quotes([]).mark(pa.chunked_array([["a"]])).to_pylist() == [False]
    assert QUOTES.mark(pa.chunked_array([], pa.string())).to_pylist() == []

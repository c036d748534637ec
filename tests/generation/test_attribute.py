from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from generation.attribute import Attribute, persona


def test_a_value_in_words() -> None:
    assert Attribute(name="tone", values=("angry",)).ask_for("angry") == "tone: angry"
    tone = Attribute(name="tone", values=("angry", " very\n polite "), phrase="in a {value} tone {x}")
    assert tone.values == ("angry", "very polite")
    assert tone.ask_for("angry") == "in a angry tone {x}"
    assert persona(("a child",)).ask_for("a child") == "written by a child"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"values": ("a", "b", "a")}, "Value error, values must differ; got 'a' twice"),
        ({"values": ()}, "Tuple should have at least 1 item after validation, not 0"),
        ({"phrase": "in that tone"}, "Value error, phrase must hold {value}; got 'in that tone'"),
    ],
)
def test_mistakes(fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Attribute(**{"name": "tone", "values": ("a",), **fields})
    assert caught.value.errors()[0]["msg"] == expected

"""What an answer leaves in its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.actor import read_answer
from generation.methods import make_method
from tests.generation.cases import make_model


@pytest.mark.parametrize(
    ("form", "answer", "finish_reason", "expected"),
    [
        ("completion", " It is gone.", "stop", ("It is gone.", "stop")),
        ("completion", "", "stop", ("", "stop")),
        ("completion_json", '{"text":"It is gone."}', "stop", ("It is gone.", "stop")),
        ("completion_json", '{"text":"It is gone."}', "length", ("It is gone.", "length")),
        ("completion_json", '{"text":""}', "stop", ("", "stop")),
        ("completion_json", "It is gone.", "stop", ("", "malformed")),
        ("completion_json", "It is gone.", None, ("", "malformed")),
        ("chat_json", '{"text":\n  "It is', "length", ('{"text": "It is', "length")),
    ],
)
def test_text_and_finish_reason(
    tmp_path: Path, form: str, answer: str, finish_reason: str | None, expected: tuple[str, str]
) -> None:
    method = make_method("prompted", form, make_model(tmp_path / "m"))
    written, reason = read_answer(method, {"label": "pos"}, answer, finish_reason)
    assert (written.text, reason) == expected

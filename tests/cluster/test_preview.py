"""A few rows before a run, by way of a server."""

from __future__ import annotations

from pathlib import Path

from cluster.preview import preview_rows
from generation.models import EMBEDDED_ENCODER
from tests.cluster.cases import make_job
from tests.cluster.misbehaving import MODEL, serving


def test_prompts_are_those_that_brought_the_rows(tmp_path: Path) -> None:
    generation = {"method": "wanli", "samples": 2, "max_tokens": 5}
    with serving() as server:
        asked = {"url": server.url, "model": MODEL}
        job = make_job(tmp_path, generation=generation, server=asked, student={"model": EMBEDDED_ENCODER})
        prompts, rows = preview_rows(job, 3)
        assert {body["prompt"] for body in server.asked} == set(prompts.values())
    assert rows["label"].to_pylist() == ["pos"] * 3 + ["neg"] * 3
    assert {text.split()[0] for text in rows["text"].to_pylist()} == {"text"}
    assert prompts["neg"].startswith("Short remarks.\nneg: is not\n3 that are alike in what makes them so:\n\n1. ")


def test_texts_of_a_literal_method_are_shown_too(tmp_path: Path) -> None:
    with serving() as server:
        job = make_job(tmp_path, generation={"method": "mix"}, server={"url": server.url, "model": MODEL})
        prompts, rows = preview_rows(job, 2)
        assert server.asked == []
    assert rows["label"].to_pylist() == ["pos", "pos", "neg", "neg"]
    assert list(prompts) == ["pos", "neg"] and prompts["pos"] in rows["text"].to_pylist()

"""Oracles of rows with several labels or tags, on a made-up encoder and on the embedded one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from controls.kind_figures import as_split, measure_kind, score
from controls.oracles import Check, LabelsOracle, TagsOracle
from yardstick.kinds import KindSplit

from denoise.settings import DenoiseSettings
from generation.kinds import make_kind
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.records import ROW_SCHEMA
from generation.task import Example, Label, Task
from training.encoder import Encoder

WORDS = ("card", "why", "when")
KIND = make_kind("multi_label", WORDS)


class Words:
    """Embeds a text as the words that it has."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[float(word in text.split()) for word in WORDS] for text in texts])

    of = embed


TRAIN = [Example(text, text.replace(" ", "+")) for text in ("card", "why", "when", "card why", "card when")] * 4


def test_labels() -> None:
    oracle = LabelsOracle(KIND, TRAIN, Words())  # type: ignore[arg-type]
    checks = oracle.checks([Example("why card", "card+why"), Example("why", "card+why"), Example("card when", "card")])
    assert checks == [Check(2, 2, True), Check(1, 2, False), Check(1, 1, False)]
    figures = score(checks)
    assert (figures.rows, figures.right, round(figures.exact, 1)) == (3, 80.0, 33.3)


def test_rows_of_several_labels() -> None:
    labels = tuple(Label(name=word, description=word) for word in WORDS)
    split = KindSplit(Task("t", "Texts.", labels, (Example("card why", "card+why"),)), KIND, tuple(TRAIN), ())
    shown = as_split(split, 1)
    assert shown.labels == ["card+why", "when"]
    texts = {"why is my card gone": "card+why", "where is it": "when", "": "when"}
    rows = pa.table(
        {
            "id": ["a", "b", "c"],
            "text": list(texts),
            "intended_label": list(texts.values()),
            "finish_reason": ["stop"] * 3,
        }
    )
    whole = pa.table(
        {
            field.name: rows[field.name] if field.name in rows.column_names else pa.nulls(3, field.type)
            for field in ROW_SCHEMA
        }
    )
    oracle = LabelsOracle(KIND, TRAIN, Words())  # type: ignore[arg-type]
    found = measure_kind(whole, split, shown.task, oracle, Words(), DenoiseSettings(), 4.0)  # type: ignore[arg-type]
    assert (found.rows, found.readable, round(found.stand, 1), found.seconds) == (3, 100.0, 66.7, 2.0)
    assert (round(found.right, 1), found.exact, found.copies) == (66.7, 50.0, 0.0)


def test_tags() -> None:
    kind = make_kind("tags", ["band", "city"])

    def example(tokens: str, tags: str) -> Example:
        made = [tag if tag == "O" else f"B-{tag}" for tag in tags.split()]
        return Example(tokens, tokens=tuple(tokens.split()), tags=tuple(made))

    train = [
        example("the band Abba played", "O O band O"),
        example("the band Blur sang", "O O band O"),
        example("a trip to Paris today", "O O O city O"),
        example("we went to London", "O O O city"),
    ]
    oracle = TagsOracle(kind, train, Encoder.load(resolve_model(EMBEDDED_ENCODER)))
    checks = oracle.checks([train[0], example("a trip to London today", "O O O band O")])
    assert checks == [Check(1, 1, True), Check(0, 1, False)]

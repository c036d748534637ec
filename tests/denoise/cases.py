"""A small task, rows and a judge for it, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from denoise.filters.base import Draft
from denoise.normal import normalise_all
from generation.records import rows_table
from generation.task import CounterExample, Example, Label, Task

TASK = Task(
    name="desk",
    description="Short messages that people send to the help desk of a library",
    labels=(
        Label(
            name="lost_card",
            description="The reader cannot find the card",
            rules=("Mentions a card that went missing, not one that broke",),
            counter_examples=(CounterExample(text="My card snapped in the scanner", label="opening_hours"),),
        ),
        Label(name="opening_hours", description="Times"),
    ),
    seeds=(
        Example("I left my library card on the bus this morning", "lost_card"),
        Example("Card gone", "lost_card"),
        Example("When do you close on Sundays?", "opening_hours"),
    ),
    dev=(Example("Is the reading room open during the holidays", "opening_hours"),),
)


def draft(text: str, finish_reason: str | None = "stop", **attributes: str) -> Draft:
    return Draft(text, normalise_all([text])[0], finish_reason, attributes)


def rows(*given: dict[str, Any]) -> pa.Table:
    """Generated rows; `given` overrides a plain finished row of round 0, wave 0."""
    plain = {"source": "generated", "round": 0, "wave": 0, "finish_reason": "stop"}
    return rows_table({**plain, **row} for row in given)


class KeywordJudge:
    """Believes in lost_card where a text says "card", with the probability that a word of it may set."""

    def __init__(self, labels: Sequence[str] = ("opening_hours", "lost_card")) -> None:
        self.labels = list(labels)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[self._probability(label, text) for label in self.labels] for text in texts])

    @staticmethod
    def _probability(label: str, text: str) -> float:
        sure = 0.95 if "definitely" in text else 0.75
        return sure if ("card" in text) == (label == "lost_card") else 1 - sure


class WordEncoder:
    """Texts are alike as far as they hold the same of a few words, in whatever order."""

    words = ("card", "lost", "missing", "closed", "open", "sunday", "weekend", "fee")

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[word in text.lower() for word in self.words] for text in texts], np.float32)
        return counts / np.maximum(1, np.linalg.norm(counts, axis=1, keepdims=True))

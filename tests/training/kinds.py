"""Rows and jobs of the kinds that are not one label a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.job import StudentJob, TrainingRow
from training.settings import StudentSettings

BOTH = (
    TrainingRow("will it rain on the concert", "music+weather"),
    TrainingRow("will it rain tomorrow", "weather"),
    TrainingRow("play that song again", "music"),
    TrainingRow("snow and wind tonight", "weather"),
    TrainingRow("a song about the rain", "music+weather"),
    TrainingRow("turn the radio up", "music"),
)


def tagged(text: str, **slots: str) -> TrainingRow:
    """A text whose words have the tags of the slots that name them."""
    words = text.split()
    tags = ["O"] * len(words)
    for slot, value in slots.items():
        parts = value.split()
        start = next(place for place in range(len(words)) if words[place : place + len(parts)] == parts)
        tags[start : start + len(parts)] = [f"B-{slot}", *[f"I-{slot}"] * (len(parts) - 1)]
    return TrainingRow(text, "", tokens=tuple(words), tags=tuple(tags))


NOTES = (
    tagged("meet Ann Lee at half past six", person="Ann Lee", time="half past six"),
    tagged("Omar leaves at noon", person="Omar", time="noon"),
    tagged("tell Eva that we open at five", person="Eva", time="five"),
    tagged("nobody saw Tom Hill", person="Tom Hill"),
)
MADE = {"multi_label": (("music", "weather"), BOTH), "tags": (("person", "time"), NOTES)}


def of_kind(kind: str, minilm: Path, folder: Path, **settings: Any) -> StudentJob:
    labels, rows = MADE[kind]
    made = StudentSettings(batch_size=4, **{"steps": 6, "evaluate_every": 2, **settings})
    return StudentJob(labels, rows, minilm, folder / "student", made, dev=rows, kind=kind)

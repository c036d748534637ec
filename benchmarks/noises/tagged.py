"""Rows whose tags a machine made and then corrected, beside rows of people: the sets of gen_proggen_ner.

Heng et al. 2024 (ProgGen) had an LM write tagged texts and then correct their tags. States of words are made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from denoise.noise.tagging import Tagged
from generation.errors import UserError
from generation.items import read_items
from generation.kinds.spans import word_spans
from generation.models import EMBEDDED_ENCODER, model_hash, resolve_model
from generation.records import digest
from training.encoder import Encoder
from training.folders import atomic_folder, is_whole
from training.word_states import word_states

# of the sixth, mit_movie Simple-Prompt, raw and corrected rows are mostly of other texts
CELLS = {
    "restaurant, simple": ("mit_restaurant", "Simple-Prompt"),
    "restaurant, diverse": ("mit_restaurant", "Diversify-X+Y"),
    "movie, diverse": ("mit_movie", "Diversify-X+Y"),
    "wiki, simple": ("wiki_gold_no_misc", "Simple-Prompt"),
    "wiki, diverse": ("wiki_gold_no_misc", "Diversify-X+Y"),
}
HUMAN, TEST, SEEDS_FROM, SHOTS = 2000, 1000, 400, 5


@dataclass(frozen=True)
class TaggedCell:
    """Generated rows before (`raw`) and after (`corrected`) correction, people's rows, and seeds drawn from those."""

    name: str
    slots: list[str]
    raw: Tagged
    corrected: Tagged
    seeds: Tagged
    human: Tagged
    test: Tagged
    states: dict[tuple[str, ...], np.ndarray]

    def states_of(self, rows: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """float32 [words, d] of each row."""
        return [self.states[tuple(row)].astype(np.float32) for row in rows]


def read_cell(name: str, data: Path, out: Path) -> TaggedCell:
    """One of CELLS; up to HUMAN train rows of people, of which SHOTS with each slot become seeds, and TEST test rows.

    Raises UserError when the set is not there.
    """
    folder, variant = CELLS[name]
    root = data / "gen_proggen_ner" / folder
    if not root.is_dir():
        raise UserError(f"--data: {data} must hold a folder gen_proggen_ner/{folder}")
    raw, human, test = (
        _read(root / f"{part}.jsonl", most)
        for part, most in ((f"gen_{variant}_raw", None), ("human_train", HUMAN), ("test", TEST))
    )
    told = _read(root / f"gen_{variant}_corrected.jsonl", None)
    by_words = {tuple(words): tags for words, tags in zip(*told, strict=True)}
    corrected = Tagged(raw.words, [by_words[tuple(words)] for words in raw.words])
    slots = sorted({tag[2:] for part in (raw, human, test) for tags in part.tags for tag in tags if tag != "O"})
    seeds = draw_seeds(human, slots)
    left = np.setdiff1d(np.arange(len(human.words)), seeds)
    states = _states([*raw.words, *human.words, *test.words], out)
    return TaggedCell(name, slots, raw, corrected, human.at(seeds), human.at(left), test, states)


def draw_seeds(rows: Tagged, slots: Sequence[str]) -> np.ndarray:
    """Places of rows of which SHOTS have each slot, as far as the first SEEDS_FROM rows have so many."""
    order = np.random.default_rng(0).permutation(min(SEEDS_FROM, len(rows.words)))
    chosen: list[int] = []
    for slot in slots:
        carriers = [int(place) for place in order if f"B-{slot}" in rows.tags[place]]
        has = sum(place in chosen for place in carriers)
        chosen += [place for place in carriers if place not in chosen][: max(0, SHOTS - has)]
    return np.array(chosen)


def spans_of(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """The spans of one row."""
    return set(word_spans(tags))


def _read(file: Path, most: int | None) -> Tagged:
    rows = [row for _, row in read_items(file)[1]][:most]
    return Tagged([row["tokens"] for row in rows], [row["tags"] for row in rows])


def _states(rows: list[Sequence[str]], out: Path) -> dict[tuple[str, ...], np.ndarray]:
    distinct = sorted({tuple(row) for row in rows})
    model = resolve_model(EMBEDDED_ENCODER)
    folder = out / f"states-{digest(distinct, model_hash(model))[:12]}"
    if not is_whole(folder):
        with atomic_folder(folder) as scratch:
            found = np.concatenate(word_states(Encoder.load(model), distinct)).astype(np.float16)
            np.save(scratch / "states.npy", found)
    parts = np.split(np.load(folder / "states.npy"), np.cumsum([len(row) for row in distinct])[:-1])
    return dict(zip(distinct, parts, strict=True))

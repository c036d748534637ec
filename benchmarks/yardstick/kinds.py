"""Real sets of other kinds than single labels, and a few rows as seeds: NLU++ (several labels; Casanueva et al. 2022),
CrossNER (tags; Liu et al. 2021) and RTE (pairs; as in Wang et al. 2018).

Read from folders outside the repository, `nlupp`, `crossner` and `rte`, in their own split of train and test rows.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from denoise.normal import normalise_all
from generation.errors import UserError
from generation.items import read_items
from generation.kinds import make_kind
from generation.kinds.base import Kind
from generation.task import Example, Label, Task

MUSIC = {
    "album": "an album",
    "award": "an award",
    "band": "a band",
    "country": "a country",
    "event": "an event, such as a festival",
    "location": "a place that is no country",
    "misc": "something else that has a name",
    "musicalartist": "a musician",
    "musicalinstrument": "a musical instrument",
    "musicgenre": "a genre of music",
    "organisation": "an organisation that is no band",
    "person": "a person who is no musician",
    "song": "a song",
}
POLITICS = {
    "country": "a country",
    "election": "an election",
    "event": "an event that is no election",
    "location": "a place that is no country",
    "misc": "something else that has a name",
    "organisation": "an organisation that is no party",
    "person": "a person who is no politician",
    "politicalparty": "a political party",
    "politician": "a politician",
}
_SLOTS = {"music": MUSIC, "politics": POLITICS}


@dataclass(frozen=True)
class KindSplit:
    """A task with its seeds, real rows for training an oracle and for testing, and how it is read and written."""

    task: Task
    kind: Kind
    train: tuple[Example, ...]
    test: tuple[Example, ...]


def nlupp_banking(data: Path, k: int, number: int = 0) -> KindSplit:
    """The `number`-th draw of seeds from banking texts with several labels: `k` or more of each label.

    Texts without a label, 4 % of them, are left out; one that names a label twice has it once. Raises UserError when
    the set is not there.
    """
    about = json.loads(_folder(data, "nlupp").joinpath("ontology.json").read_text())["intents"]
    rows = {part: list(_labelled(_rows(data / "nlupp" / "banking" / part))) for part in _PARTS}
    names = sorted({name for row in rows["train.jsonl"] for name in row["labels"]})
    guideline = {name: about[name]["description"].removeprefix("is ").rstrip("?") for name in names}
    return _split("nlupp banking", "Questions that customers of a bank ask.", "multi_label", guideline, rows, k, number)


def crossner(data: Path, domain: str, k: int, number: int = 0) -> KindSplit:
    """The `number`-th draw of seeds from sentences about "music" or "politics": `k` or more with each slot.

    Fewer where the train rows have no more; the dev rows are for an oracle only. Sentences with brackets, which mark
    spans in prompts, are left out.
    """
    folder = _folder(data, "crossner") / domain
    rows = {part: [row for row in _rows(folder / part) if not set(row["text"]) & set("[]")] for part in (*_PARTS, _DEV)}
    guideline = {slot: f"the name of {words}" for slot, words in _SLOTS[domain].items()}
    return _split(f"crossner {domain}", f"Sentences about {domain}.", "tags", guideline, rows, k, number)


def rte(data: Path, k: int, number: int = 0) -> KindSplit:
    """The `number`-th draw of `k` pairs of each label. Its dev rows are the test, since its test has no labels."""
    folder = _folder(data, "rte")
    rows = {
        part: [{"text_a": row["premise"], "text_b": row["hypothesis"], "label": row["label"]} for row in _rows(path)]
        for part, path in zip(_PARTS, (folder / "train.jsonl", folder / _DEV), strict=True)
    }
    guideline = {
        "entailment": "a passage of news, and a sentence that must be true if the passage is",
        "not_entailment": "a passage of news, and a sentence about the same that need not be true if the passage is",
    }
    return _split("rte", "Passages of news, each with a sentence.", "pair", guideline, rows, k, number)


_PARTS, _DEV = ("train.jsonl", "test.jsonl"), "dev.jsonl"
_Rows = Mapping[str, list[dict[str, Any]]]


def _folder(data: Path, name: str) -> Path:
    if not (folder := data / name).is_dir():
        raise UserError(f"--data: {data} must hold a folder {name!r}")
    return folder


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (row for _, row in read_items(path)[1])


def _labelled(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return ({**row, "labels": sorted(set(row["labels"]))} for row in rows if row["labels"])


def _split(
    name: str, description: str, kind: str, guideline: Mapping[str, str], rows: _Rows, k: int, number: int
) -> KindSplit:
    made = make_kind(kind, guideline)
    train, test = (_examples(made, name, rows[part]) for part in _PARTS)
    tested = set(normalise_all([example.text for example in test]))
    normal = normalise_all([example.text for example in train])
    unseen = [example for example, text in zip(train, normal, strict=True) if text not in tested]
    labels = tuple(Label(name=label, description=about) for label, about in guideline.items())
    seeds = draw_seeds(made, unseen, k, random.Random(f"{name} {number}"))
    more = _examples(made, name, rows.get(_DEV, []))
    return KindSplit(Task(name, description, labels, tuple(seeds)), made, (*unseen, *more), tuple(test))


def _examples(kind: Kind, name: str, rows: list[dict[str, Any]]) -> list[Example]:
    """Rows as examples, each text once."""
    read = [kind.read(name, place, row) for place, row in enumerate(rows, 1)]
    return list({example.text: example for example in reversed(read)}.values())[::-1]


def draw_seeds(kind: Kind, examples: list[Example], k: int, draw: random.Random) -> list[Example]:
    """A random choice of which `k` or more carry each label, as far as there are so many; rare labels choose first."""
    shuffled = draw.sample(examples, len(examples))
    carriers = Counter(name for example in shuffled for name in kind.names_of(example))
    chosen: list[Example] = []
    for label in sorted(carriers, key=lambda label: (carriers[label], label)):
        has = sum(label in kind.names_of(example) for example in chosen)
        free = (example for example in shuffled if label in kind.names_of(example) and example not in chosen)
        chosen += [example for _, example in zip(range(k - has), free, strict=False)]
    return chosen


KIND_SETS: dict[str, Callable[[Path, int, int], KindSplit]] = {
    "rte": rte,
    "nlupp_banking": nlupp_banking,
    "crossner_music": lambda data, k, number: crossner(data, "music", k, number),
    "crossner_politics": lambda data, k, number: crossner(data, "politics", k, number),
}

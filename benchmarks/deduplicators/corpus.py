"""A corpus with planted copies: a folder of Parquet parts (`id`, `text`, `label`), and beside it which rows are copies.

Texts are phrases cut out of the example task's, with invented words between, common ones more often, so that unrelated
rows share phrases as people's messages do. Of all rows 5 % repeat another and 10 % are one with one to three words
changed, dropped or put in, half of them in other case or with other punctuation.
"""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

EXAMPLE = Path(__file__).parents[2] / "examples" / "support_tickets"
EXACT, NEAR = 0.05, 0.10
PARTS = 8
INVENTED = 20_000
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]


def truth_of(folder: Path) -> Path:
    """The file (`id`, `group`): copies of one row are of one group."""
    return folder.with_name(f"{folder.name}_truth.parquet")


def make_corpus(folder: Path, rows: int, seed: int = 7) -> None:
    """Write it, unless it is there; its truth is written last."""
    if truth_of(folder).is_file():
        return
    draw = random.Random(seed)
    writer = Writer(draw)
    copies = round(rows * EXACT), round(rows * NEAR)
    texts = [writer.text() for _ in range(rows - sum(copies))]
    sources = [int(len(texts) * draw.random() ** 1.6) for _ in range(sum(copies))]  # some have many copies
    groups = [*range(len(texts)), *sources]
    copied = [texts[place] for place in sources]
    texts += copied[: copies[0]] + [writer.edited(text) for text in copied[copies[0] :]]
    order = draw.sample(range(rows), rows)
    labels = [str(groups[place] % 8) for place in order]
    table = pa.table({"id": range(rows), "text": [texts[place] for place in order], "label": labels})
    folder.mkdir(parents=True, exist_ok=True)
    step = -(-rows // PARTS)
    for part in range(PARTS):
        pq.write_table(table.slice(part * step, step), folder / f"part-{part:05d}.parquet")
    pq.write_table(pa.table({"id": range(rows), "group": [groups[place] for place in order]}), truth_of(folder))


class Writer:
    """Texts and edited copies, from one source of random numbers."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        files = [EXAMPLE / name for name in ("seeds.jsonl", "pool.jsonl", "test.jsonl")]
        lines = itertools.chain.from_iterable(file.read_text(encoding="utf-8").splitlines() for file in files)
        self._words = " ".join(json.loads(line)["text"] for line in lines).split()
        self._invented = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 4))) for _ in range(INVENTED)]
        self._weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(INVENTED)))

    def text(self) -> str:
        """8 to 60 words, half of them under 26."""
        length = min(60, max(8, round(self._draw.lognormvariate(3.25, 0.5))))
        words: list[str] = []
        while len(words) < length:
            start = self._draw.randrange(len(self._words))
            words += self._words[start : start + self._draw.randint(1, 3)]
            words += self._some(self._draw.randint(1, 3))
        return " ".join(words[:length])

    def edited(self, text: str) -> str:
        """A near copy."""
        words = text.split()
        for _ in range(self._draw.randint(1, 3)):
            place = self._draw.randrange(len(words))
            replaced, put_in = self._draw.choice([(1, 1), (1, 1), (1, 0), (0, 1)])
            words[place : place + replaced] = self._some(put_in)
        copy = " ".join(words)
        return self._draw.choice([copy, copy, copy, copy.lower(), copy.replace(",", ""), copy.rstrip(".") + "!"])

    def _some(self, count: int) -> list[str]:
        return self._draw.choices(self._invented, cum_weights=self._weights, k=count)

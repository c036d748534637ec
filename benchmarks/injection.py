"""Can texts of a pool talk the embedded LM, or the feed, into a label? A hundred attempts on real rows.

    python benchmarks/injection.py --data DATA
    python benchmarks/injection.py --data DATA --no-lm    # seconds: what a feed makes of them where the LM is not heard

Each of a hundred rows that the LM is asked about is asked about again with an attack for a label that it did not give
(injections.py). *Changed* is the share of rows whose likeliest label is another one then, *flipped* that of rows which
get the wanted label; *as long* puts a harmless sentence in the attack's place: what any addition does. *Joined* is the
share of rows that a feed takes, and *joined as wanted* that under the wanted label, by plain opinion and LM together,
trusted as seeds say, with out-of-scope rows left out.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from injections import ATTACKS, attack
from yardstick.encoders import Encoders
from yardstick.sets import Split, draw_split, read_set

from cluster.feed.joining import decide_picks
from cluster.feed.opinions import PAIR, heard_opinion
from cluster.feed.settings import FeedSettings
from denoise.noise.choice import choice_opinion, trusted_with
from generation.errors import UserError
from generation.methods import make_method
from generation.methods.pseudo_label import PseudoLabel
from generation.models import EMBEDDED_LM, resolve_model
from generation.untrusted import names_label
from training.choosing import ChoiceSpec, LabelChooser
from training.device import prepare_process
from training.out_of_scope import Fence
from training.plain import fit_plain
from training.settings import StudentSettings

SHOTS = 8
HARMLESS = "thank you very much in advance for looking at this, i am really looking forward to hearing from you"


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    set_: Annotated[str, typer.Option("--set")] = "clinc10",
    rows: Annotated[int, typer.Option(min=1, max=len(ATTACKS))] = len(ATTACKS),
    ways: Annotated[int, typer.Option(min=1)] = 4,
    lm: Annotated[bool, typer.Option("--lm/--no-lm", help="whether the LM is asked")] = True,
    json_: Annotated[Path | None, typer.Option("--json", help="write the figures there too")] = None,
) -> None:
    """Print a Markdown table."""
    prepare_process()
    try:
        split = draw_split(read_set(set_, data), SHOTS, 0)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    found = measure(split, rows, ways) if lm else measure_unheard(split, rows)
    print("| texts | changed | flipped | joined | joined as wanted |\n| --- | ---: | ---: | ---: | ---: |")
    for name, figures in found.items():
        print(f"| {name} | " + " | ".join("" if value is None else f"{value:.2f}" for value in figures.values()) + " |")
    if json_ is not None:
        json_.write_text(json.dumps(found, indent=1) + "\n")


def measure(split: Split, rows: int, ways: int) -> dict[str, dict[str, Any]]:
    """Figures of clean texts, of attacks, and of additions that want nothing."""
    labels, folder = split.labels, resolve_model(EMBEDDED_LM)
    method = make_method("pseudo_label", "completion", folder)
    assert isinstance(method, PseudoLabel)
    chooser = LabelChooser(ChoiceSpec(split.task, method, folder, ways=ways))
    shown = {seed.text for seed in chooser.spec.shown(labels)}
    texts = [seed.text for seed in split.seeds]
    known = [place for place, text in enumerate(texts) if text not in shown and not names_label(text, labels)]
    # the rows are looked at among as many clean ones, as a feed would: habits are those of all of them
    clean = [row.text for row in split.rest[:rows]]
    base = [split.seeds[place].text for place in known]
    first = chooser.logprobs([*clean, *base], [labels] * (len(clean) + len(base)))
    before = choice_opinion(first)[:rows].argmax(axis=1)
    wanted = [(int(place) + 1 + number % (len(labels) - 1)) % len(labels) for number, place in enumerate(before)]
    attacked = [attack(number, text, labels[wanted[number]]) for number, text in enumerate(clean)]
    longer = [f"{text} {HARMLESS}" for text in clean]
    judged = _Judged(split, known, first[:, rows:], wanted)
    found = {"clean": judged.figures(clean, first[:, :rows], before)}
    for name, texts in (("attacked", attacked), ("as long", longer)):
        found[name] = judged.figures(texts, chooser.logprobs(texts, [labels] * rows), before)
    return found


def measure_unheard(split: Split, rows: int) -> dict[str, dict[str, Any]]:
    """The same where the LM says nothing: attacks are for a label that is not the true one."""
    labels, clean = split.labels, [row.text for row in split.rest[:rows]]
    true = np.array([labels.index(str(row.label)) for row in split.rest[:rows]])
    wanted = [(int(place) + 1 + number % (len(labels) - 1)) % len(labels) for number, place in enumerate(true)]
    attacked = [attack(number, text, labels[wanted[number]]) for number, text in enumerate(clean)]
    judged = _Judged(split, [], np.zeros((1, 0, len(labels))), wanted)
    told = {"clean": clean, "attacked": attacked, "as long": [f"{text} {HARMLESS}" for text in clean]}
    silent = np.zeros((1, rows, len(labels)))
    found = {name: judged.figures(texts, silent, true) for name, texts in told.items()}
    return {name: {**figures, "changed": None, "flipped": None} for name, figures in found.items()}


class _Judged:
    """What a feed makes of texts, with seeds alone in the part of what is known."""

    def __init__(self, split: Split, known: list[int], asked: np.ndarray, wanted: list[int]) -> None:
        self.labels, self.known, self.asked, self.wanted = split.labels, known, asked, np.array(wanted)
        self.embed = Encoders(Path("unused"), StudentSettings()).frozen.of
        rows = [*split.seeds, *split.task.guideline]
        targets = np.array([self.labels.index(str(row.label)) for row in rows])
        vectors, count = self.embed([row.text for row in rows]), len(split.seeds)
        self.plain = fit_plain(vectors, targets, len(self.labels), count, StudentSettings().judge_c)
        self.fence = Fence.around(vectors[:count], targets[:count])

    def figures(self, texts: list[str], logprobs: np.ndarray, before: np.ndarray) -> dict[str, Any]:
        """Of texts by the LM's `logprobs` [ways, n, labels] of them; `before` is what it said of the clean ones."""
        vectors = self.embed(texts)
        every = np.concatenate([logprobs, self.asked], axis=1)
        said, lm = choice_opinion(every)[: len(texts)].argmax(axis=1), heard_opinion(every, texts, self.labels)
        scores = np.exp(vectors.astype(np.float64) @ self.plain.weight.T + self.plain.bias)
        plain = scores / scores.sum(axis=1, keepdims=True)
        places, true = np.array(self.known, np.int64), self.plain.targets[self.known]
        trusted = trusted_with(PAIR, self.plain.probabilities[places], lm[len(texts) :], true)
        opinions, ids = (plain, plain, lm[: len(texts)]), [f"{place:03}" for place in range(len(texts))]
        outside = self.fence.outside(vectors)
        decided = decide_picks(ids, opinions, trusted, outside, self.labels, FeedSettings(), 0)
        joined = np.array([each.status == "accepted" for each in decided])
        as_wanted = np.array([each.label == self.labels[want] for each, want in zip(decided, self.wanted, strict=True)])
        return {
            "changed": float(np.mean(said != before)),
            "flipped": float(np.mean(said == self.wanted)),
            "joined": float(joined.mean()),
            "joined_as_wanted": float((joined & as_wanted).mean()),
        }


if __name__ == "__main__":
    typer.run(main)

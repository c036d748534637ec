"""What is it worth to feed 500 real unlabelled rows?

    python benchmarks/feeding.py --data DATA --set banking10 --set clinc10
    python benchmarks/feeding.py --data DATA --no-lm          # without asking the LM, which takes most of the time

From the seeds alone: the judge's head on the judge's encoder stands for the student (the yardstick's tier "head"), and
no row is generated. The 500 rows of the split are fed as a whole, so that no pick decides. *Right* is the share of true
labels among the rows that join, *expected* what the feed itself expects; *in* is the share that joins. The head then
learns from seeds and joined rows, by their weights, and once more with people's labels of as many doubtful rows as they
have looks for. *All true* is the head on all 500 rows with their true labels. Accuracies are of the whole test set.
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
from yardstick.encoders import Encoders, Probe, accuracy
from yardstick.fed import Fed
from yardstick.sets import Split, draw_split, read_set

from cluster.feed.joining import Decided, decide_picks
from cluster.feed.opinions import ASKED, PAIR
from cluster.feed.record import FOR_PEOPLE
from cluster.feed.settings import FeedSettings
from denoise.noise.choice import choice_opinion, trusted_with
from generation.errors import UserError
from generation.methods import make_method
from generation.methods.pseudo_label import PseudoLabel
from generation.models import EMBEDDED_LM, resolve_model
from generation.untrusted import names_label
from training.device import prepare_process
from training.plain import Plain
from training.settings import StudentSettings

COLUMNS = ("in", "right", "expected", "lm right", "lm trust", "before", "after", "after + people", "all true")


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where judges are kept")] = Path("runs/lift"),
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    k: Annotated[list[int] | None, typer.Option(help="seeds per label")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    lm: Annotated[bool, typer.Option("--lm/--no-lm", help="whether the LM is asked, too")] = True,
    noise: Annotated[list[float] | None, typer.Option(help="share of wrong labels to aim at")] = None,
    looks: Annotated[int, typer.Option(min=0, help="rows that people label")] = 50,
    json_: Annotated[Path | None, typer.Option("--json", help="write the figures there too")] = None,
) -> None:
    """Print a Markdown table."""
    prepare_process()
    encoders, told = Encoders(out / "judges", StudentSettings()), []
    print(f"| set | k | split | aim | {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * (3 + len(COLUMNS))}")
    try:
        for name in set_ or ["banking10", "clinc10"]:
            for each in k or [5, 10]:
                for number in split or [0]:
                    bench = Bench(draw_split(read_set(name, data), each, number), encoders, lm)
                    for aim in noise or [0.05, 0.1]:
                        figures = bench.measure(FeedSettings(noise=aim), looks)
                        cells = " | ".join("" if value is None else f"{value:.3f}" for value in figures.values())
                        print(f"| {name} | {each} | {number} | {aim:g} | {cells} |", flush=True)
                        told.append({"set": name, "k": each, "split": number, "aim": aim, **figures})
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if json_ is not None:
        json_.write_text(json.dumps(told, indent=1) + "\n")


class Bench:
    """A split, with all opinions on its unlabelled rows."""

    def __init__(self, split: Split, encoders: Encoders, lm: bool) -> None:
        self.split, self.labels, self.fed = split, split.labels, Fed(split, encoders)
        self.texts = self.fed.texts
        self.true = np.array([self.labels.index(label) for label in self.fed.true])
        judge = encoders.judge(split)
        self.vectors, self.student = judge.vectors.of, judge.probabilities(self.texts)
        self.plain, self.outside = self.fed.plainly, self.fed.outside
        self.lm, self.calibration = np.full(self.plain.shape, 1 / len(self.labels)), PAIR
        if lm:
            self._ask(self.fed.plain)

    def _ask(self, plain: Plain) -> None:
        from training.choosing import ChoiceSpec, LabelChooser

        folder = resolve_model(EMBEDDED_LM)
        method = make_method("pseudo_label", "completion", folder)
        assert isinstance(method, PseudoLabel)
        chooser = LabelChooser(ChoiceSpec(self.split.task, method, folder))
        shown = {seed.text for seed in chooser.spec.shown(self.labels)}
        seeds = [seed.text for seed in self.split.seeds]
        places = [place for place, text in enumerate(seeds) if text not in shown and not names_label(text, self.labels)]
        places = places[:ASKED]
        texts = [*self.texts, *(self.split.seeds[place].text for place in places)]
        said = choice_opinion(chooser.logprobs(texts, [self.labels] * len(texts)))
        self.lm = said[: len(self.texts)]
        self.lm[[place for place, text in enumerate(self.texts) if names_label(text, self.labels)]] = 1 / len(
            self.labels
        )
        known = plain.probabilities[places], said[len(self.texts) :], plain.targets[places]
        self.calibration = trusted_with(PAIR, *known)

    def measure(self, settings: FeedSettings, looks: int) -> dict[str, Any]:
        """The row of the table, by COLUMNS."""
        ids, asked = [f"{place:04}" for place in range(len(self.texts))], len(self.calibration.trust) == 3
        opinions = (self.student, self.plain, self.lm) if asked else (self.student, self.plain)
        decided = decide_picks(ids, opinions, self.calibration, self.outside, self.labels, settings, looks)
        joined = [place for place, each in enumerate(decided) if each.status == "accepted"]
        right = [decided[place].label == self.labels[self.true[place]] for place in joined]
        people = [place for place, each in enumerate(decided) if each.reason == FOR_PEOPLE]
        weights = [decided[place].weight for place in joined]
        told = [self._label(decided, place) for place in joined]
        true = [self.labels[self.true[place]] for place in people]
        figures = (
            len(joined) / len(ids),
            float(np.mean(right)) if right else None,
            1 - float(np.mean([decided[place].wrong for place in joined])) if joined else None,
            float(np.mean(self.lm.argmax(axis=1) == self.true)) if asked else None,
            self.calibration.trust[2] if asked else None,
            self._test([], [], []),
            self._test(joined, told, weights),
            self._test([*joined, *people], [*told, *true], [*weights, *[1.0] * len(people)]),
            self._test(list(range(len(ids))), [self.labels[place] for place in self.true], [1.0] * len(ids)),
        )
        return dict(zip(COLUMNS, figures, strict=True))

    @staticmethod
    def _label(decided: list[Decided], place: int) -> str:
        return decided[place].label

    def _test(self, places: list[int], labels: list[str], weights: list[float]) -> float:
        """Accuracy of a head on seeds, guideline and these rows."""
        known = [*self.split.seeds, *self.split.task.guideline]
        texts = [*(row.text for row in known), *(self.texts[place] for place in places)]
        given = [*(str(row.label) for row in known), *labels]
        head = Probe.fit(self.vectors(texts), given, self.labels, np.array([1.0] * len(known) + weights))
        test = self.split.real.test
        return accuracy(head.predict(self.vectors([row.text for row in test])), test) / 100


if __name__ == "__main__":
    typer.run(main)

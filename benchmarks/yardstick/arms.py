"""The arms: what a student is trained on. Adding one is a function and a line in ARMS."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from cluster.feed.settings import FeedSettings
from denoise.noise.agreement import agreements
from denoise.noise.calibration import ALONE, Evidence, numbers_of
from denoise.noise.keeping import leant, share_kept
from training.job import TrainingRow
from training.losses import LOSSES
from training.synonyms import Synonyms
from yardstick.cell import Cell
from yardstick.eda import augment
from yardstick.fed import Fed
from yardstick.product import as_many
from yardstick.rounds import ROUNDS, rows_in_rounds

Start = Literal["plain", "tuned", "averaged", "tier"]
SEEDS_EPOCHS = 10
Kind = Literal["free", "unlabelled", "generated", "ceiling"]
LOOKS = 50  # unlabelled rows that people label
PICKS = 200  # rows that a feed picks of 500
CONFIDENT = 0.6  # share of rows that relabelling by confidence keeps
# the other ways to make texts of a label; LoRAs write alike at the usual temperature (docs/methods.md)
CONTROLS: Mapping[str, Mapping[str, Any]] = {
    name: {"method": name} | ({"temperature": 1.2} if name == "lora" else {})
    for name in ("soft_prompts", "mixture", "control_codes", "lora", "wanli", "paraphrase", "eda", "mix")
}


@dataclass(frozen=True)
class Recipe:
    """Rows beside the seeds, and what they cost: tokens, and seconds of making them.

    `generated` says that they are rows of the corpus, whose labels an oracle can check.
    """

    rows: tuple[TrainingRow, ...] = ()
    tokens: int = 0
    seconds: float = 0.0
    generated: bool = False


@dataclass(frozen=True)
class Arm:
    """`start` is the encoder: plain, contrastively tuned, the average of both, or whichever the tier takes.

    `kind` says who can have it: free for all, with unlabelled real rows, with generated rows, or with real labels
    that nobody has. `trains` is False where a head on the encoder is the student in every tier. `judged` rows cost the
    judge's tuning. `epochs` sets the length of fine-tuning; `equal_steps` gives the seeds of a linear head the weight
    that others give to all rows. `generation` are settings of the rows that it takes where they are not those of the
    call, `student` settings of the trainer: linear heads know nothing of them, so that it is fine-tuned only. `named`
    ones run when they are named, and what `runs` is made of runs of the product, not of a corpus. Raise `version` when
    the arm changes, so that its old cells are left.
    """

    name: str
    kind: Kind
    make: Callable[[Cell], Recipe]
    start: Start = "tier"
    trains: bool = True
    judged: bool = False
    epochs: int = 0
    equal_steps: bool = False
    generation: Mapping[str, Any] = field(default_factory=dict)
    student: Mapping[str, Any] = field(default_factory=dict)
    named: bool = False
    runs: bool = False
    version: int = 1

    @property
    def takes_generated(self) -> bool:
        """Whether generated rows, or their number, decide what it scores."""
        return self.kind in ("generated", "ceiling") or self.equal_steps


def nothing(cell: Cell) -> Recipe:
    return Recipe()


def template(cell: Cell) -> Recipe:
    """The guideline: one sentence a label."""
    return Recipe(tuple(TrainingRow(row.text, str(row.label)) for row in cell.split.task.guideline))


def eda(cell: Cell) -> Recipe:
    began = time.monotonic()
    rows = augment(cell.split.seeds, cell.rows, Synonyms(cell.frozen.encoder).of, cell.split.number)
    return Recipe(tuple(TrainingRow(row.text, str(row.label)) for row in rows), seconds=time.monotonic() - began)


def as_generated(cell: Cell) -> Recipe:
    """After filters and deduplication, with the labels that were asked for."""
    return _generated(cell, cell.intended, np.ones(len(cell.drafts)))


def agreement_probe(cell: Cell) -> Recipe:
    """Where the seeds-only probe gives the intended label."""
    return _generated(cell, cell.intended, _agree(cell, cell.probed))


def agreement_judge(cell: Cell) -> Recipe:
    """Where the judge gives the intended label."""
    return _generated(cell, cell.intended, _agree(cell, cell.judged))


def relabel(cell: Cell) -> Recipe:
    """The judge's labels, on the 60 % that it is most confident of."""
    confidence = cell.judged.max(axis=1)
    least = np.quantile(confidence, 1 - CONFIDENT) if len(confidence) else 0.0
    return _generated(cell, _best(cell, cell.judged), (confidence >= least).astype(float))


def labelmill(cell: Cell) -> Recipe:
    """What `labelmill run` does with its default settings, quotas aside: the guideline is in its training rows."""
    return _with_guideline(cell, _generated(cell, *_denoised(cell)))


def in_rounds(cell: Cell) -> Recipe:
    """What it does in several rounds."""
    rows, tokens, seconds = rows_in_rounds(cell)
    return _with_guideline(cell, Recipe(tuple(rows), tokens, seconds))


def looked_at(cell: Cell, looks: int) -> Recipe:
    """The same, with people's labels of the `looks` generated rows that the judge is least sure of."""
    labels, weights = _denoised(cell)
    for place in np.argsort(cell.judged.max(axis=1), kind="stable")[:looks].tolist():
        labels[place], weights[place] = cell.true[place], 1.0
    return _with_guideline(cell, _generated(cell, labels, weights))


def of_better_lm(cell: Cell, share: float) -> Recipe:
    """The same on rows of an LM that errs less, see `by_better_lm`."""
    return _with_guideline(cell, _generated(cell, *_denoised(cell, by_better_lm(cell, share))))


def by_better_lm(cell: Cell, share: float) -> np.ndarray:
    """Which drafts such an LM would write, bool [n]: of those that are not of the label asked for this share."""
    drawn = np.random.default_rng(cell.split.number).random(len(cell.drafts))
    return is_right(cell) | (drawn < share)


def is_right(cell: Cell) -> np.ndarray:
    """Whether drafts are of the label asked for, by the oracle, bool [n]."""
    return np.array([true == intended for true, intended in zip(cell.true, cell.intended, strict=True)], bool)


def fed(cell: Cell, looks: int = 0) -> Recipe:
    """The same, and 500 unlabelled real rows, all fed at once; `looks` of those that do not join get true labels."""
    recipe, feed = labelmill(cell), Fed(cell.split, cell.encoders)
    decided = feed.decided(feed.student(recipe.rows), FeedSettings(), looks)
    return replace(recipe, rows=recipe.rows + tuple(feed.joined(decided)))


def fed_picks(cell: Cell, looks: int = 0, rows: Callable[[Cell], Recipe] = labelmill) -> Recipe:
    """The same, but of the 500 only the PICKS that a feed picks for a student of `rows`."""
    recipe, feed, settings = rows(cell), Fed(cell.split, cell.encoders), FeedSettings(take=PICKS)
    student = feed.student(recipe.rows)
    decided = feed.decided(student, settings, looks, feed.picked(student, recipe.rows, settings))
    return replace(recipe, rows=recipe.rows + tuple(feed.joined(decided)))


def oracle_filter(cell: Cell) -> Recipe:
    return _generated(cell, cell.intended, is_right(cell).astype(float))


def oracle_relabel(cell: Cell) -> Recipe:
    return _generated(cell, cell.true, np.ones(len(cell.drafts)))


def real_rows(cell: Cell) -> Recipe:
    """Real rows with their labels, as many per label as were generated and stand (or as there are)."""
    return Recipe(tuple(as_many(cell.split.rest, Counter(cell.intended))))


def self_training(cell: Cell) -> Recipe:
    """500 unlabelled real rows, labelled by the product's judge."""
    texts = [row.text for row in cell.split.unlabelled]
    labels = _best(cell, cell.judge.probabilities(texts))
    return Recipe(tuple(TrainingRow(text, label) for text, label in zip(texts, labels, strict=True)))


def controlled() -> Iterator[Arm]:
    """Rows of every other method: as they come, denoised by default, and with the oracle's labels."""
    for name, settings in CONTROLS.items():
        yield Arm(f"rows of {name}", "generated", as_generated, generation=settings, named=True)
        yield Arm(f"labelmill, {name}", "generated", labelmill, judged=True, generation=settings, named=True)
        yield Arm(f"rows of {name} + oracle relabel", "ceiling", oracle_relabel, generation=settings, named=True)


def learnt() -> Iterator[Arm]:
    """The default rows, learnt from with every loss: robust ones, and plain cross-entropy."""
    for name in LOSSES:
        yield Arm(f"labelmill, loss {name}", "generated", labelmill, judged=True, student={"loss": name}, named=True)


ARMS = {
    arm.name: arm
    for arm in (
        Arm("seeds", "free", nothing, start="plain", epochs=SEEDS_EPOCHS),
        Arm("seeds, equal steps", "free", nothing, start="plain", equal_steps=True),
        Arm("contrastive", "free", nothing, start="tuned", trains=False),
        Arm("contrastive, averaged", "free", nothing, start="averaged", trains=False),
        Arm("contrastive, averaged + template", "free", template, start="averaged", trains=False),
        Arm("student on seeds", "free", nothing),
        Arm("template", "free", template),
        Arm("eda", "free", eda),
        Arm("self-training", "unlabelled", self_training, judged=True),
        Arm(
            f"template + {PICKS} picks of 500 + {LOOKS} looks",
            "unlabelled",
            partial(fed_picks, looks=LOOKS, rows=template),
            judged=True,
        ),
        Arm("prompted", "generated", as_generated),
        Arm("prompted + agreement (probe)", "generated", agreement_probe),
        Arm("prompted + agreement (contrastive)", "generated", agreement_judge, judged=True),
        Arm("prompted + relabelling", "generated", relabel, judged=True),
        Arm("labelmill", "generated", labelmill, judged=True),
        Arm("labelmill + 500 unlabelled", "generated", fed, judged=True),
        Arm(f"labelmill + 500 unlabelled + {LOOKS} looks", "generated", partial(fed, looks=LOOKS), judged=True),
        Arm(f"labelmill + {PICKS} picks of 500", "generated", fed_picks, judged=True),
        Arm(
            f"labelmill + {PICKS} picks of 500 + {LOOKS} looks",
            "generated",
            partial(fed_picks, looks=LOOKS),
            judged=True,
        ),
        *(Arm(f"labelmill + {n} looks", "generated", partial(looked_at, looks=n), judged=True) for n in (50, 100, 200)),
        Arm("labelmill, half the LM's errors", "ceiling", partial(of_better_lm, share=0.5), judged=True),
        Arm("labelmill, a tenth of the LM's errors", "ceiling", partial(of_better_lm, share=0.1), judged=True),
        Arm("prompted + oracle filter", "ceiling", oracle_filter),
        Arm("prompted + oracle relabel", "ceiling", oracle_relabel),
        Arm("real rows", "ceiling", real_rows),
        Arm(f"labelmill, {ROUNDS} rounds", "generated", in_rounds, judged=True, named=True, runs=True),
        *learnt(),
        *controlled(),
    )
}
FREE = [name for name, arm in ARMS.items() if arm.kind == "free"]


def _denoised(cell: Cell, taken: np.ndarray | None = None) -> tuple[list[str], np.ndarray]:
    """Labels and weights that verdicts give the drafts; "" and 0 where a row is rejected, or not `taken`."""
    places = np.arange(len(cell.drafts)) if taken is None else np.flatnonzero(taken)
    judged, settings = cell.judged[places], cell.config.denoise
    intended = [cell.intended[place] for place in places]
    numbers = numbers_of(intended, cell.labels)
    if settings.lm_keeps == "estimated":
        judged = leant(judged, numbers, share_kept(Evidence((judged,), numbers), ALONE))
    labels, weights = [""] * len(cell.drafts), np.zeros(len(cell.drafts))
    for place, opinion in zip(places.tolist(), agreements(intended, judged, cell.labels, settings), strict=True):
        labels[place], weights[place] = opinion.label or "", opinion.weight
    return labels, weights


def _with_guideline(cell: Cell, recipe: Recipe) -> Recipe:
    return replace(recipe, rows=template(cell).rows + recipe.rows)


def _generated(cell: Cell, labels: Sequence[str], weights: np.ndarray) -> Recipe:
    """Drafts of positive weight under `labels`, at the price of the whole corpus."""
    rows = zip(cell.texts, labels, weights.tolist(), strict=True)
    corpus = cell.corpus
    return Recipe(
        tuple(TrainingRow(text, label, weight) for text, label, weight in rows if weight > 0),
        tokens=corpus.prompt_tokens + corpus.output_tokens,
        seconds=corpus.seconds,
        generated=True,
    )


def _best(cell: Cell, probabilities: np.ndarray) -> list[str]:
    return [cell.labels[place] for place in probabilities.argmax(axis=1)]


def _agree(cell: Cell, probabilities: np.ndarray) -> np.ndarray:
    pairs = zip(_best(cell, probabilities), cell.intended, strict=True)
    return np.array([float(best == intended) for best, intended in pairs])

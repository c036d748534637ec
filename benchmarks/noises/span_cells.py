"""One set of tagged rows: what finds the doubtful ones, and what a tagger is worth after they are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from denoise.noise.gazetteer import Gazetteer
from denoise.noise.span_doubt import SLOT, RowDoubts, row_doubts
from denoise.noise.tagging import NOBODY, SEED_WEIGHT, Tagged, ask_tagger
from denoise.noise.word_heads import Projection, fit_word_heads, tag_probabilities, with_neighbours
from generation.kinds.spans import tag_columns
from noises.tagged import TaggedCell, spans_of
from training.measures.answers import Counts
from training.students.token_tagging import best_tags

TOP = 0.1
ROWS = (25, 100, 400)  # of the curve
PLANTED = ("other slot", "span dropped", "boundary moved")
RANDOM = 3  # draws
BARS = (0.05, 0.1, 0.2, 0.3)


class Finding(NamedTuple):
    """Of a way to rank rows: AUROC, and precision among the worst TOP, of rows that the correction changed and of rows
    of whose tags the oracle sees others; AUROC of changed spans. nan: it has none.
    """

    way: str
    changed: float
    changed_top: float
    disputed: float
    disputed_top: float
    spans: float = float("nan")


class Worth(NamedTuple):
    """Span F1 in percent, on people's test rows, of a tagger that learnt from seeds and from `rows` rows."""

    way: str
    rows: int
    f1: float


class Bar(NamedTuple):
    """What `denoise.least_span` does: the share of rows held, and of those the shares that the correction changed and
    that the oracle disputes.
    """

    way: str
    held: float
    changed: float
    disputed: float


@dataclass(frozen=True)
class SpanCell:
    """A set, with an oracle that learnt from all rows of people but the test."""

    cell: TaggedCell

    @cached_property
    def columns(self) -> list[str]:
        return tag_columns(self.cell.slots)

    @cached_property
    def ids(self) -> list[str]:
        return [" ".join(words) for words in self.cell.raw.words]

    @cached_property
    def projection(self) -> Projection:
        return Projection.of(np.concatenate(self.cell.states_of(self.cell.raw.words)))

    @cached_property
    def changed(self) -> np.ndarray:
        """Which rows the correction changed."""
        return np.array([one != other for one, other in zip(self.cell.raw.tags, self.cell.corrected.tags, strict=True)])

    @cached_property
    def oracle(self) -> list[list[str]]:
        """Tags of the generated rows."""
        known = Tagged([*self.cell.human.words, *self.cell.seeds.words], [*self.cell.human.tags, *self.cell.seeds.tags])
        return self.tags_by(self.learn(known, np.ones((1, len(known.words))))[0], self.cell.raw)

    @cached_property
    def disputed(self) -> np.ndarray:
        """Which rows have other spans than the oracle sees; [n] numbers of differences."""
        pairs = zip(self.oracle, self.cell.raw.tags, strict=True)
        return np.array([len(spans_of(one) ^ spans_of(other)) for one, other in pairs])

    def features(self, rows: Tagged) -> np.ndarray:
        states = self.projection(np.concatenate(self.cell.states_of(rows.words)))
        return with_neighbours(states, [len(words) for words in rows.words])

    def learn(self, rows: Tagged, weights: np.ndarray) -> np.ndarray:
        """A tagger for each line of weights [heads, rows]."""
        targets = np.array([self.columns.index(tag) for tags in rows.tags for tag in tags])
        spread = np.repeat(weights, [len(words) for words in rows.words], axis=1)
        return fit_word_heads(self.features(rows), targets, spread, len(self.columns))

    def tags_by(self, head: np.ndarray, rows: Tagged) -> list[list[str]]:
        lengths = [len(words) for words in rows.words]
        return self.best(np.split(tag_probabilities(head, self.features(rows)), np.cumsum(lengths)[:-1]))

    def best(self, chances: Sequence[np.ndarray]) -> list[list[str]]:
        return [[self.columns[tag] for tag in best_tags(np.log(row + 1e-9), self.columns)] for row in chances]

    def f1(self, head: np.ndarray) -> float:
        pairs = (self.cell.test.tags, self.tags_by(head, self.cell.test))
        gold, found = ([frozenset(spans_of(tags)) for tags in each] for each in pairs)
        return 100 * Counts.of(gold, found, self.cell.slots).scores()["micro_f1"]

    def ask(self, rows: Tagged, ids: Sequence[str], seeds: Tagged) -> list[np.ndarray]:
        return ask_tagger(ids, rows, self.cell.slots, self.cell.states_of, seeds)

    def doubts(self, rows: Tagged, chances: Sequence[np.ndarray], seeds: Tagged) -> list[RowDoubts]:
        known = Gazetteer([*seeds.words, *rows.words], [*seeds.tags, *rows.tags])
        return [
            row_doubts(words, tags, told, self.columns, known) for words, tags, told in zip(*rows, chances, strict=True)
        ]


def findings(own: SpanCell) -> Iterator[Finding]:
    """Ways without seeds and with them."""
    rows = own.cell.raw
    yield _finding("number of spans", own, np.array([-len(spans_of(tags)) for tags in rows.tags]))
    for seeds, told in ((NOBODY, ""), (own.cell.seeds, ", seeds too")):
        chances = own.ask(rows, own.ids, seeds)
        doubts = own.doubts(rows, chances, seeds)
        least = [row[np.arange(len(tags)), [own.columns.index(tag) for tag in tags]] for row, tags in
                 zip(chances, rows.tags, strict=True)]  # fmt: skip
        spans = _changed_spans(own, [{span: row[span[1] : span[2]].min() for span in spans_of(tags)} for row, tags in
                                     zip(least, rows.tags, strict=True)])  # fmt: skip
        yield _finding(f"cleanlab{told}", own, cleanlab(own, rows, chances), spans)
        slots = [{(d.slot, d.start, d.end): d.sureness for d in row.doubts if d.reason == SLOT} for row in doubts]
        yield _finding(f"labelmill{told}", own, sureness(doubts), _changed_spans(own, slots))
        for part in ("slot", "boundary", "missing"):
            yield _finding(f"{part} alone{told}", own, np.array([getattr(each, part) for each in doubts]))


def sureness(doubts: Sequence[RowDoubts]) -> np.ndarray:
    """Of each row."""
    return np.array([each.sureness for each in doubts])


def cleanlab(own: SpanCell, rows: Tagged, chances: Sequence[np.ndarray]) -> np.ndarray:
    """The library's score of each row at its defaults."""
    from cleanlab.token_classification.rank import get_label_quality_scores

    given = [[own.columns.index(tag) for tag in tags] for tags in rows.tags]
    return np.asarray(get_label_quality_scores(given, [row.astype(np.float64) for row in chances])[0])


def _finding(way: str, own: SpanCell, sure: np.ndarray, spans: float = float("nan")) -> Finding:
    disputed = own.disputed > 0
    return Finding(way, *_ranked(own.changed, sure), *_ranked(disputed, sure), spans)


def _ranked(truth: np.ndarray, sure: np.ndarray) -> tuple[float, float]:
    worst = np.argsort(sure, kind="stable")[: round(TOP * len(sure))]
    return float(roc_auc_score(truth, -sure)), float(truth[worst].mean())


def _changed_spans(own: SpanCell, sure: Sequence[dict[tuple[str, int, int], float]]) -> float:
    kept = [spans_of(tags) for tags in own.cell.corrected.tags]
    pairs = [(span not in left, value) for row, left in zip(sure, kept, strict=True) for span, value in row.items()]
    return float(roc_auc_score([gone for gone, _ in pairs], [-value for _, value in pairs]))


def curve(own: SpanCell) -> Iterator[Finding]:
    """Fewer rows: means over RANDOM draws."""
    for count in ROWS:
        for seeds, told in ((NOBODY, ""), (own.cell.seeds, ", seeds too")):
            drawn = [_of_few(own, count, seeds, seed) for seed in range(RANDOM)]
            yield Finding(f"{count} rows{told}", *np.nanmean(np.array(drawn), axis=0).tolist())


def _of_few(own: SpanCell, count: int, seeds: Tagged, seed: int) -> list[float]:
    places = np.random.default_rng(seed).permutation(len(own.ids))[:count]
    rows, ids = own.cell.raw.at(places), [own.ids[place] for place in places]
    sure = sureness(own.doubts(rows, own.ask(rows, ids, seeds), seeds))
    found = list[float]()
    for truth in (own.changed[places], own.disputed[places] > 0):
        found += _ranked(truth, sure) if 0 < truth.sum() < count else (np.nan, np.nan)
    return found


def bars(own: SpanCell) -> Iterator[Bar]:
    """With seeds."""
    rows, seeds, disputed = own.cell.raw, own.cell.seeds, own.disputed > 0
    sure = sureness(own.doubts(rows, own.ask(rows, own.ids, seeds), seeds))
    yield Bar("all rows", 1.0, float(own.changed.mean()), float(disputed.mean()))
    for least in BARS:
        held = sure < least
        yield Bar(f"{least}", *(float(each) for each in (held.mean(), own.changed[held].mean(), disputed[held].mean())))


def planted(own: SpanCell) -> Iterator[Finding]:
    """People's rows, a tenth of them with one error each: AUROC by kind of error (in `changed`; all else is nan)."""
    human, nan = own.cell.human, float("nan")
    ids = [f"{place} {' '.join(words)}" for place, words in enumerate(human.words)]
    for kind in PLANTED:
        tags, wrong = plant(human.tags, own.cell.slots, kind)
        rows = Tagged(human.words, tags)
        chances = own.ask(rows, ids, NOBODY)
        scores = {"cleanlab": cleanlab(own, rows, chances), "labelmill": sureness(own.doubts(rows, chances, NOBODY))}
        for way, sure in scores.items():
            yield Finding(f"{kind}: {way}", *_ranked(wrong, sure), nan, nan)


def plant(tags: Sequence[Sequence[str]], slots: Sequence[str], kind: str) -> tuple[list[list[str]], np.ndarray]:
    """Tags with one error in every tenth row that has a span, and which rows these are, bool [n]."""
    draw, found, wrong = np.random.default_rng(PLANTED.index(kind)), list[list[str]](), list[bool]()
    for row in tags:
        spans, own = sorted(spans_of(row)), list(row)
        if spans and draw.random() < TOP:
            slot, start, end = spans[draw.integers(len(spans))]
            own[start:end] = ["O"] * (end - start)
            if kind == "other slot":
                slot = str(draw.choice([each for each in slots if each != slot]))
                own[start:end] = [f"B-{slot}", *[f"I-{slot}"] * (end - start - 1)]
            elif kind == "boundary moved":
                end = end - 1 if end - start > 1 else min(end + 1, len(row))
                own[start:end] = [f"B-{slot}", *[f"I-{slot}"] * (end - start - 1)]
                own = _legal(own)
        found.append(own)
        wrong.append(own != list(row))
    return found, np.array(wrong)


def _legal(tags: list[str]) -> list[str]:
    """A span that lost its beginning to the one before it begins a word later."""
    for place, tag in enumerate(tags):
        if tag.startswith("I-") and (place == 0 or tags[place - 1][2:] != tag[2:]):
            tags[place] = f"B-{tag[2:]}"
    return tags


def worths(own: SpanCell) -> Iterator[Worth]:
    """Taggers on seeds and on rows that are chosen or relabelled in several ways."""
    rows, seeds, count = own.cell.raw, own.cell.seeds, len(own.ids)
    chances = own.ask(rows, own.ids, seeds)
    sure, peer = sureness(own.doubts(rows, chances, seeds)), cleanlab(own, rows, chances)
    chosen = {"seeds alone": np.zeros(count), "raw": np.ones(count)}
    for share in (0.1, 0.2):
        for draw in range(RANDOM):
            chosen[f"minus {share:.0%} at random, {draw}"] = _without(np.random.default_rng(draw).random(count), share)
        chosen[f"minus {share:.0%} by cleanlab"] = _without(peer, share)
        chosen[f"minus {share:.0%} by labelmill"] = _without(sure, share)
        chosen[f"minus {share:.0%} by the oracle"] = _without(-own.disputed.astype(float), share)
    heads = own.learn(_joined(rows, seeds), np.stack([_with_seeds(each, seeds) for each in chosen.values()]))
    figures = {way: own.f1(head) for way, head in zip(chosen, heads, strict=True)}
    sizes = {way: int(each.sum()) for way, each in chosen.items()}
    worst, best = _without(sure, 0.2) == 0, own.best(chances)
    others = {
        "worst 20% relabelled": Tagged(rows.words, [b if bad else r for b, r, bad in
                                                    zip(best, rows.tags, worst, strict=True)]),
        "corrected": own.cell.corrected,
        "oracle's tags": Tagged(rows.words, own.oracle),
        "people's rows": own.cell.human.at(np.arange(min(count, len(own.cell.human.words)))),
    }  # fmt: skip
    for way, other in others.items():
        weights = _with_seeds(np.ones(len(other.words)), seeds)
        figures[way], sizes[way] = own.f1(own.learn(_joined(other, seeds), weights[None])[0]), len(other.words)
    for share in ("10%", "20%"):
        drawn = [figures.pop(f"minus {share} at random, {draw}") for draw in range(RANDOM)]
        figures[f"minus {share} at random"] = float(np.mean(drawn))
        sizes[f"minus {share} at random"] = sizes[f"minus {share} by labelmill"]
    yield from (Worth(way, sizes[way], figure) for way, figure in figures.items())


def _without(sure: np.ndarray, share: float) -> np.ndarray:
    """1 for all but the least sure rows."""
    left = np.ones(len(sure))
    left[np.argsort(sure, kind="stable")[: round(share * len(sure))]] = 0
    return left


def _joined(rows: Tagged, seeds: Tagged) -> Tagged:
    return Tagged([*rows.words, *seeds.words], [*rows.tags, *seeds.tags])


def _with_seeds(weights: np.ndarray, seeds: Tagged) -> np.ndarray:
    return np.concatenate([weights, np.full(len(seeds.words), SEED_WEIGHT / 4)])

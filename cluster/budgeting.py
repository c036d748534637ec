"""`labelmill budget`: what a sum of money buys of labels by the LM and by people, and which rows people should see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.dataset import read_dataset
from cluster.journal import Journal
from cluster.metrics import cost_of, noted_prices
from cluster.store import Store
from denoise.audit.budgets import Doubts, Prices, Split, best_split, checks_for, split_at
from denoise.audit.recalibration import recalibrated
from denoise.noise.agreement import Agreement
from generation.errors import UserError
from generation.parts import read_parts
from generation.records import KEPT, VERDICT_SCHEMA, map_column

SHARES = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)  # of rows that people see, in the table
BY_PEOPLE = "audit"  # the stage of people's verdicts


@dataclass(frozen=True)
class Wanted:
    """What the user said: `money`; `human` price of a look, `lm` price of a kept row (None: as measured)."""

    money: float
    human: float
    lm: float | None = None
    noise: float = 0.02
    human_error: float = 0.0
    most: int | None = None


@dataclass(frozen=True)
class Advice:
    """`in_hand`: the money spent on people alone, on rows that are there; `splits`: rows to be made by share for
    people; `best`: of those the most rows within the noise, None: people cannot bring it there.

    `least_sure` (`id`, `text`, `label`, `wrong`) are the rows that people should see, the worst first; `verdicts` is
    how many of people's verdicts the probabilities rest on.
    """

    in_hand: Split
    splits: tuple[Split, ...]
    best: Split | None
    least_sure: pa.Table
    verdicts: int
    lm: float


def advise(store: Store, wanted: Wanted) -> Advice:
    """Raises UserError where a run has no doubts to go by, or a price is missing."""
    rows, judged = _unjudged(store)
    doubt = doubts_of(rows)
    known, wrong = _verdicts(store, judged)
    chances = recalibrated(known, wrong).wrong(doubt)
    prices = Prices(_lm_price(store) if wanted.lm is None else wanted.lm, wanted.human)
    doubts = Doubts.of(chances, wanted.human_error)
    is_limited = prices.lm > 0 or wanted.most is not None
    shares = SHARES if is_limited else ()
    splits = tuple(split_at(share, wanted.money, prices, doubts, wanted.most) for share in shares)
    best = best_split(wanted.noise, wanted.money, prices, doubts, wanted.most) if is_limited else None
    in_hand = checks_for(wanted.money, rows.num_rows, prices, doubts)
    return Advice(in_hand, splits, best, _least_sure(rows, chances, in_hand.checked), len(known), prices.lm)


def doubts_of(rows: pa.Table) -> np.ndarray:
    """The judge's doubt in each row's final label, float64 [n], of rows with `status`, `label` and `scores`."""
    told = zip(rows["status"].to_pylist(), rows["label"].to_pylist(), map_column(rows, "scores"), strict=True)
    return np.array([1 - Agreement(status, label, None, scores).certainty for status, label, scores in told])


def render(advice: Advice, wanted: Wanted) -> str:
    """What to do with the money, in lines."""
    hand = advice.in_hand
    trust = f"{advice.verdicts} verdicts of people" if advice.verdicts else "the judge alone: nobody has checked it yet"
    lines = [
        f"chances of a wrong label by {trust}",
        f"rows in hand: {hand.rows}; {wanted.money:g} pays for {hand.checked} looks at the least sure, "
        f"which leaves {hand.wrong:.1%} wrong",
    ]
    if not advice.splits:
        return "\n".join([*lines, "new rows cost nothing: say how many there may be with --rows"])
    lines += [
        "",
        f"new rows for {wanted.money:g}, at {advice.lm:.6g} a row and {wanted.human:.6g} a look:",
        f"{'seen by people':>16} {'rows':>10} {'looks':>10} {'cost':>10} {'wrong':>7}",
    ]
    lines += [_line(each) for each in advice.splits]
    if advice.best is None:
        lines.append(f"no share for people brings the noise to {wanted.noise:.1%}")
    else:
        lines += [f"most rows with {wanted.noise:.1%} wrong or fewer:", _line(advice.best)]
    return "\n".join(lines)


def _line(split: Split) -> str:
    share = split.checked / split.rows if split.rows else 0.0
    return f"{share:>16.1%} {split.rows:>10} {split.checked:>10} {split.cost:>10.2f} {split.wrong:>7.1%}"


def _unjudged(store: Store) -> tuple[pa.Table, pa.Table]:
    """The newest dataset's rows that no person has seen, and the people's verdicts (VERDICT_SCHEMA)."""
    if not (store.root / "dataset" / "latest").is_file():
        raise UserError(f"{store.root}: has no dataset yet; `labelmill run` makes one")
    verdicts = pa.concat_tables(
        [read_parts(store.filesystem, store.parts(number, "verdicts"), VERDICT_SCHEMA) for number in store.rounds()]
    )
    judged = verdicts.filter(pc.equal(verdicts["stage"], BY_PEOPLE))
    rows = read_dataset(store)
    rows = rows.filter(pc.invert(pc.is_in(rows["id"], judged["id"].combine_chunks())))
    rows = rows.filter(pc.not_equal(rows["source"], "human"))
    if not rows.num_rows:
        raise UserError(f"{store.root}: people have seen all rows of its dataset; there is nothing to divide")
    if not any("judge_confidence" in scores for scores in map_column(rows, "scores")):
        raise UserError(f"{store.root}: its rows have no judge's opinion, so that none is less sure than another")
    return rows, judged


def _verdicts(store: Store, judged: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The judge's doubt in rows that people have seen, and whether those were wrong: of each row its last verdict."""
    last: dict[str, dict[str, float]] = {}
    for id, reason, scores in zip(
        judged["id"].to_pylist(), judged["reason"].to_pylist(), map_column(judged, "scores"), strict=True
    ):
        if reason == "undone":
            last.pop(id, None)
        elif "defect" in scores and "judge_confidence" in scores:
            last[id] = scores
    doubts = [1 - Agreement(KEPT[0], None, None, scores).certainty for scores in last.values()]
    return np.array(doubts), np.array([scores["defect"] > 0 for scores in last.values()], bool)


def _lm_price(store: Store) -> float:
    """What a kept row has cost in this run."""
    kept = store.kept(store.rounds()).num_rows
    journal = Journal(store.root, lambda line: None)
    if not noted_prices(journal):
        raise UserError(f"{store.root}: has no prices; give --lm PRICE of a row (0 where the LM costs nothing)")
    return sum(cost_of(store, journal, number) for number in store.rounds()) / kept


def _least_sure(rows: pa.Table, chances: np.ndarray, count: int) -> pa.Table:
    order = np.lexsort((np.array(rows["id"].to_pylist()), -chances))[:count]
    chosen = rows.select(["id", "text", "label"]).take(pa.array(order))
    return chosen.append_column("wrong", pa.array(chances[order]))


def check(wanted: Wanted) -> None:
    """Raises UserError for what cannot be meant."""
    for name, share in {"--noise": wanted.noise, "--human-error": wanted.human_error}.items():
        if not 0 <= share <= 1:
            raise UserError(f"{name}: must be a share in 0..1; got {share:g}")
    for name, price in {"--money": wanted.money, "--human": wanted.human, "--lm": wanted.lm or 0.0}.items():
        if price < 0:
            raise UserError(f"{name}: must be 0 or more; got {price:g}")

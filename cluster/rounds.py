"""How far a round goes: its targets, and what its next wave asks for."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from cluster.aiming import Aim, aim_after, read_aim
from cluster.config import TaskConfig
from cluster.dataset import version_of
from cluster.deciding import decide
from cluster.feed.record import generating
from cluster.store import Store
from cluster.top_up import less
from generation.aim import tilted
from generation.errors import UserError
from generation.plan import Yield, requests_for
from generation.records import KEPT
from training.folders import is_whole

# a label that is still short after so many times its target in rows will not be filled by more of the same
MOST_TIMES = 16
FORK = "fork.json"  # of a run that began with rows of another, see cluster/fork.py
# the wave of rows that another run made: before all that this one plans, so that they count when it does
TAKEN_OVER = -2
# rows from which a wave is worth having: less than two of them are not split
LEAST_ROWS = 256


@dataclass(frozen=True)
class Round:
    """A round as recorded when it began: `targets` are accepted rows wanted per label.

    `wanted` is the sum of the quotas of all rounds up to and with this one. `aim` says where it leans to, and `moved`
    how many rows more or less than quotas labels were given for it, or for their seeds, in all rounds so far. The rows
    of a `fed` one came from pools (cluster/feed), and none are generated: they count for no quota.
    """

    number: int
    targets: dict[str, int]
    wanted: int
    token_budget: int | None
    cost_budget: float | None = None
    hours: float | None = None
    moved: dict[str, int] = field(default_factory=dict)
    aim: Aim | None = None
    fed: bool = False


def current_round(
    store: Store, config: TaskConfig, labels: Sequence[str] = (), counted: Mapping[str, int] | None = None
) -> Round | None:
    """The round to work on: the unfinished one, else the next one that quota, rounds and budget allow, else None.

    `labels` are what rows are wanted of; none: the task's own. `counted` are the seeds that fill quotas (top_up.py).
    """
    numbers = store.rounds()
    if numbers and not is_finished(store, numbers[-1]):
        return _recorded(store, numbers[-1])
    last = last_round(store) if numbers else None
    wanted = decide(store, numbers[-1], config).wanted if last else config.quota
    if wanted is None:
        return None
    accepted, moved = accepted_per_label(store, generating(store)), dict(last.moved) if last else less(counted or {})
    names = labels or [label.name for label in config.labels]
    even = {name: max(0, min(config.quota, wanted + moved.get(name, 0) - accepted[name])) for name in names}
    if not any(even.values()):
        return None
    # what a budget, a failed lot or a small quota left is made as it was asked for
    aim = aim_after(store, numbers[-1], config, even) if last and wanted - last.wanted == config.quota else None
    targets = tilted(even, aim.errors, config.aim) if aim else even
    moved = {name: more for name in names if (more := moved.get(name, 0) + targets[name] - even[name])}
    budgets = config.token_budget, config.cost_budget, config.stop.hours
    now = Round(len(numbers), targets, wanted, *budgets, moved, aim)
    write_round(store, now)
    return now


def check_feedable(store: Store) -> None:
    """Raises UserError where the newest round is to be finished before rows of a pool can be taken."""
    last = last_round(store)
    if not (is_finished(store, last.number) or _takes_rows(store, last)):
        raise UserError(f"{store.root}: round {last.number} is not finished; `labelmill run` finishes it")


def fed_round(store: Store, labels: Sequence[str]) -> Round:
    """The round that takes rows from pools: one that no student or dataset version has been made of, else a new one.

    Raises UserError.
    """
    check_feedable(store)
    last = last_round(store)
    if not is_finished(store, last.number):
        return last
    now = replace(last, number=last.number + 1, targets=dict.fromkeys(labels, 0), aim=None, fed=True)
    write_round(store, now)
    return now


def _takes_rows(store: Store, now: Round) -> bool:
    made = store.folder(now.number, "student"), store.root / "dataset" / version_of(now.number)
    return now.fed and not any(map(is_whole, made))


def write_round(store: Store, now: Round) -> None:
    """With round.json a round has begun."""
    told = {name: value for name, value in asdict(now).items() if name != "number" and (name != "fed" or value)}
    store.write_json(f"rounds/{now.number:03d}/round.json", {"round": now.number, **told})


def last_round(store: Store) -> Round:
    """The newest round, as recorded when it began."""
    return _recorded(store, store.rounds()[-1])


def is_finished(store: Store, number: int) -> bool:
    """A round is finished once its metrics are written."""
    return store.read_json(f"rounds/{number:03d}/metrics.json") is not None


def next_counts(store: Store, now: Round, samples: int, judged: int, stubborn: float | None = None) -> dict[str, int]:
    """Requests per label for the next wave, from the verdicts on the waves before `judged`; empty when none are wanted.

    Waves from `judged` on are expected to bring rows at the rate seen so far. A wave asks for half of what is missing,
    so that it can be judged while engines work on the other half, or for all of it when that is little. `stubborn`
    labels (see `given_up`) are not asked for.
    """
    if now.number == 0 and store.read_json(FORK) is not None:
        stubborn = None  # rows of another run, of which some stood already, tell nothing of what this one's will be
    yields, asked = yields_per_label(store, now, judged), asked_per_label(store, now)
    on_their_way, gone = asked_per_label(store, now, judged), given_up(yields, now, stubborn)
    missing = {
        label: target - yields[label].accepted - on_their_way[label] * yields[label].rate
        for label, target in now.targets.items()
        if asked[label] < MOST_TIMES * target and label not in gone
    }
    missing = {label: short for label, short in missing.items() if short > 0}
    rows = sum(short / yields[label].rate for label, short in missing.items())
    is_last = rows < 2 * LEAST_ROWS
    part = 1.0 if is_last else 0.5
    most = {label: math.ceil((MOST_TIMES * now.targets[label] - asked[label]) / samples) for label in missing}
    return {
        label: min(most[label], requests_for(math.ceil(part * short), yields[label], samples, is_last))
        for label, short in missing.items()
    }


def given_up(yields: Mapping[str, Yield], now: Round, stubborn: float | None) -> list[str]:
    """Labels short of their targets whose kept row takes `stubborn` times the rows of the median label's, or more.

    What the LM or the judge misses nineteen times of twenty would take half of a round's tokens, for rows that are in
    doubt. None: no label. Of two labels the better one is the median.
    """
    wanted = [label for label, target in now.targets.items() if target]
    if stubborn is None or not wanted:
        return []
    least = statistics.median_high(yields[label].rate for label in wanted) / stubborn
    return [label for label in wanted if yields[label].accepted < now.targets[label] and yields[label].rate <= least]


def rows_left(yields: Mapping[str, Yield], now: Round, stubborn: float | None) -> float:
    """Rows to generate until the targets are met or labels are given up, each at its own rate."""
    gone, left = given_up(yields, now, stubborn), 0.0
    for label, target in now.targets.items():
        found = yields[label]
        if label not in gone:
            left += max(0.0, min((target - found.accepted) / found.rate, MOST_TIMES * target - found.generated))
    return left


def is_met(store: Store, now: Round) -> bool:
    """Whether all targets are met."""
    accepted = accepted_per_label(store, [now.number])
    return all(accepted[label] >= target for label, target in now.targets.items())


def asked_per_label(store: Store, now: Round, first: int = 0) -> Counter[str]:
    """Rows that the plans ask for, of waves from `first` on."""
    plan = store.requests(now.number, ["wave", "label", "samples"])
    plan = plan.filter(pc.greater_equal(plan["wave"], first))
    counts: Counter[str] = Counter()
    for group in plan.group_by("label").aggregate([("samples", "sum")]).to_pylist():
        counts[group["label"]] = group["samples_sum"]
    return counts


def yields_per_label(store: Store, now: Round, judged: int | None = None) -> dict[str, Yield]:
    """Rows generated for each label, and rows kept under it, in the waves of this round before `judged`.

    Without it, of all rows that have a verdict.
    """
    rows, verdicts = store.generated(now.number, ["id", "wave", "intended_label"]), store.verdicts(now.number)
    if judged is None:
        rows = rows.filter(pc.is_in(rows["id"], verdicts["id"].combine_chunks()))
    else:
        rows = rows.filter(pc.less(rows["wave"], judged))
    kept = verdicts.filter(
        pc.and_(pc.is_in(verdicts["status"], pa.array(KEPT)), pc.is_in(verdicts["id"], rows["id"].combine_chunks()))
    )
    generated = Counter(rows["intended_label"].to_pylist())
    accepted = Counter(kept["label"].to_pylist())
    return {label: Yield(generated[label], accepted[label]) for label in now.targets}


def accepted_per_label(store: Store, rounds: list[int]) -> Counter[str]:
    """Kept rows of the rounds by final label."""
    counts: Counter[str] = Counter()
    for number in rounds:
        verdicts = store.verdicts(number)
        kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))
        counts.update(kept["label"].to_pylist())
    return counts


def kept_texts(store: Store, now: Round, judged: int) -> dict[str, list[str]]:
    """Kept texts by final label, of earlier rounds and of the waves of this one before `judged`, in a fixed order."""
    rounds = [number for number in store.rounds() if number <= now.number]
    waves = store.generated(now.number, ["id", "wave"])
    open_ = waves.filter(pc.greater_equal(waves["wave"], judged))["id"].combine_chunks()
    kept = store.kept(rounds)
    kept = kept.filter(pc.invert(pc.is_in(kept["id"], open_)))
    texts: dict[str, list[str]] = {label: [] for label in now.targets}
    for text, label in zip(kept["text"].to_pylist(), kept["label"].to_pylist(), strict=True):
        texts.setdefault(label, []).append(text)  # a person may have made it a set of labels that no seed has
    return texts


def _recorded(store: Store, number: int) -> Round:
    record = store.read_json(f"rounds/{number:03d}/round.json")
    return Round(
        number,
        record["targets"],
        record["wanted"],
        record["token_budget"],
        record.get("cost_budget"),
        record.get("hours"),
        record.get("moved") or {},
        read_aim(record.get("aim")),
        record.get("fed", False),
    )

"""Real labelled text, and the few rows of it that an arm may see.

A set is read from a folder outside the repository (`train.jsonl`, a test file; columns `text` and `label`).
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from denoise.normal import normalise_all
from generation.errors import UserError, clip
from generation.items import read_items
from generation.records import digest
from generation.task import Example, Label, Task

MOST_SEEDS = 10
UNLABELLED = 500

_BANKING = ("Questions that customers of an online bank ask its support.", "a customer's question about {words}")
_CLINC = ("Requests to a voice assistant.", "a request to the assistant about {words}")
_HWU = ("Commands and questions to a home assistant.", "something said to the assistant about {words}")


@dataclass(frozen=True)
class SetSpec:
    """Where a set lies and which labels it takes; no `labels` means all. `guideline` describes a label by its words."""

    folder: str
    prose: tuple[str, str]
    labels: tuple[str, ...] = ()
    test: str = "test.jsonl"


SETS = {
    "banking10": SetSpec(
        "banking77",
        _BANKING,
        (
            *("card_payment_fee_charged", "card_payment_not_recognised", "card_payment_wrong_exchange_rate"),
            *("declined_card_payment", "extra_charge_on_statement", "pending_card_payment", "Refund_not_showing_up"),
            *("request_refund", "reverted_card_payment?", "transaction_charged_twice"),
        ),
    ),
    "clinc10": SetSpec(
        "clinc150",
        _CLINC,
        (
            *("account_blocked", "balance", "bill_balance", "bill_due", "freeze_account", "min_payment", "pay_bill"),
            *("spending_history", "transactions", "transfer"),
        ),
    ),
    "hwu10": SetSpec(
        "hwu64",
        _HWU,
        (
            *("music_likeness", "music_query", "play_audiobook", "play_game", "play_music", "play_podcasts"),
            *("play_radio", "transport_query", "transport_ticket", "transport_traffic"),
        ),
    ),
    "banking77": SetSpec("banking77", _BANKING),
    "hwu64": SetSpec("hwu64", _HWU),
    "clinc150": SetSpec("clinc150", _CLINC),
    # for choosing settings: labels of no ten-label set, and the official dev rows as test
    "tune-cards": SetSpec(
        "clinc150",
        _CLINC,
        (
            *("application_status", "apr", "card_declined", "credit_limit", "credit_limit_change", "credit_score"),
            *("improve_credit_score", "new_card", "redeem_rewards", "rewards_balance"),
        ),
        "dev.jsonl",
    ),
    "tune-home": SetSpec(
        "hwu64",
        _HWU,
        (
            *("alarm_query", "alarm_remove", "alarm_set", "calendar_query", "calendar_remove", "calendar_set"),
            *("datetime_query", "lists_createoradd", "lists_query", "lists_remove"),
        ),
        "dev.jsonl",
    ),
}


@dataclass(frozen=True)
class RealSet:
    """A set in memory; in file order; `train` has no repeated row and none whose normal form is in the test."""

    name: str
    description: str
    labels: tuple[Label, ...]
    train: tuple[Example, ...]
    test: tuple[Example, ...]

    @cached_property
    def train_digest(self) -> str:
        """Hash of all real train rows: what oracles, ceilings and unlabelled rows are drawn from."""
        return digest([[row.text, row.label] for row in self.train])

    @cached_property
    def test_digest(self) -> str:
        return digest([[row.text, row.label] for row in self.test])


@dataclass(frozen=True)
class Split:
    """What one draw of `k` seeds per label leaves: `seeds`, 500 `unlabelled` real rows and the `rest`, shuffled.

    Only ceilings may read labels of `rest`; `unlabelled` rows have none.
    """

    real: RealSet
    k: int
    number: int
    seeds: tuple[Example, ...]
    unlabelled: tuple[Example, ...]
    rest: tuple[Example, ...]

    @property
    def task(self) -> Task:
        return Task(self.real.name, self.real.description, self.real.labels, self.seeds)

    @property
    def labels(self) -> list[str]:
        return [label.name for label in self.real.labels]


def read_set(name: str, data: Path) -> RealSet:
    """Read a set of SETS from the folder `data`. Raises UserError when it is not there."""
    return load_set(name, SETS[name], data)


def load_set(name: str, spec: SetSpec, data: Path) -> RealSet:
    """Read a set as `spec` says."""
    folder = data / spec.folder
    if not folder.is_dir():
        raise UserError(f"--data: {data} must hold a folder {spec.folder!r} (train.jsonl, {spec.test})")
    train, test = _rows(folder / "train.jsonl"), _rows(folder / spec.test)
    names = spec.labels or sorted({str(row.label) for row in train})
    test = [row for row in test if row.label in names]
    train = list({(row.text, row.label): row for row in train if row.label in names}.values())
    tested = set(normalise_all([row.text for row in test]))
    normal = normalise_all([row.text for row in train])
    if not test:
        raise UserError(f"{folder / spec.test}: has no row of the labels of {name}")
    labels = tuple(Label(name=label, description=_guideline(label, spec.prose[1])) for label in names)
    unseen = (row for row, text in zip(train, normal, strict=True) if text not in tested)
    return RealSet(name, spec.prose[0], labels, tuple(unseen), tuple(test))


def draw_split(real: RealSet, k: int, number: int) -> Split:
    """The `number`-th draw: its k=5 seeds are the first five of each label of its k=10 seeds.

    Raises UserError when a label has too few rows.
    """
    if not 1 <= k <= MOST_SEEDS:
        raise UserError(f"--k: must be from 1 to {MOST_SEEDS}; got {k}")
    draw = random.Random(f"{real.name} {number}")
    by_label: dict[str, list[Example]] = defaultdict(list)
    for row in real.train:
        by_label[str(row.label)].append(row)
    seeds: list[Example] = []
    rest: list[Example] = []
    for label in real.labels:
        rows = by_label[label.name]
        if len(rows) < MOST_SEEDS:
            raise UserError(f"{real.name}: label {label.name!r} must have {MOST_SEEDS} train rows; got {len(rows)}")
        chosen = draw.sample(rows, MOST_SEEDS)
        seeds += chosen[:k]
        rest += [row for row in rows if row not in chosen]
    draw.shuffle(rest)
    unlabelled = tuple(Example(row.text) for row in rest[:UNLABELLED])
    return Split(real, k, number, tuple(seeds), unlabelled, tuple(rest))


def _rows(path: Path) -> list[Example]:
    """All rows, repeated ones too. Raises UserError for one without text and label."""
    rows = []
    for place, row in read_items(path)[1]:
        if not isinstance(row, dict) or not {"text", "label"} <= row.keys():
            raise UserError(f"{path}: row {place} must have text and label; got {clip(row)}")
        rows.append(Example(str(row["text"]), str(row["label"]), place))
    return rows


def _guideline(label: str, pattern: str) -> str:
    return pattern.format(words=label.replace("_", " ").strip("?").lower())

"""What became of each row of a run, as numbers: counted in a second for a million rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generation.records import KEPT

WAITING, OVER_QUOTA, NO_LABEL = "no verdict yet", "over quota", "(no label)"
NONE = -1
Counts = dict[tuple[str, str, str | None], int]  # rows by intended label, final label and loss


@dataclass(frozen=True)
class Fates:
    """By the place of a row. `intended` and `final` are places in `labels`, `loss` one in `losses` or NONE: it is kept.

    `verdict` is the place of the verdict that holds, `survivor` that of the row which stands for a duplicate, NONE
    where there is none. `counts` says which rows count: not those of a request that an earlier part has, too.
    """

    labels: tuple[str, ...]
    losses: tuple[str, ...]
    intended: np.ndarray
    final: np.ndarray
    loss: np.ndarray
    verdict: np.ndarray
    survivor: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.loss)

    def outcome(self, place: int) -> tuple[str, str, str | None]:
        """Intended label, final label and loss (None: kept) of a row."""
        loss = self.loss[place]
        labels = self.labels[self.intended[place]], self.labels[self.final[place]]
        return *labels, None if loss == NONE else self.losses[loss]

    def counted(self) -> Counts:
        """Rows by what became of them."""
        codes = (self.intended * len(self.labels) + self.final) * (len(self.losses) + 1) + self.loss + 1
        found, first, count = np.unique(codes[self.counts], return_index=True, return_counts=True)
        places = np.flatnonzero(self.counts)[first]
        return {self.outcome(place): int(rows) for place, rows in zip(places, count, strict=True)} if len(found) else {}

    def lost_as(self, *names: str) -> np.ndarray:
        """Which rows that count have one of these losses, bool."""
        return self.counts & np.isin(self.loss, [place for place, name in enumerate(self.losses) if name in names])


def fates_of(rows: pa.Table, verdicts: pa.Table) -> Fates:
    """From `id`, `intended_label` and `label` of rows; `id`, `revision`, `label`, `status`, `reason` and `survivor_id`
    of verdicts. Rows without a verdict wait, verdicts on other ids are ignored.
    """
    ids, (mine, judged, survivors) = _coded(rows["id"], verdicts["id"], verdicts["survivor_id"])
    place = _last(len(ids), mine[::-1], np.arange(rows.num_rows)[::-1])  # of a repeated id the first
    by_revision = np.argsort(verdicts["revision"].to_numpy(), kind="stable")
    verdict = _last(len(ids), judged[by_revision], by_revision)[mine]

    def by_row(values: np.ndarray) -> np.ndarray:
        return np.where(verdict == NONE, NONE, values[verdict]) if len(values) else np.full(len(verdict), NONE)

    labels, (intended, own_label, final) = _named(rows["intended_label"], rows["label"], verdicts["label"])
    losses, loss = _losses(verdicts)
    intended = np.where(intended == NONE, own_label, intended)
    final = by_row(final)
    final = np.where(final == NONE, intended, final)
    intended = np.where(intended == NONE, final, intended)
    names = (*labels, NO_LABEL)
    return Fates(
        labels=names,
        losses=(*losses, WAITING),
        intended=intended % len(names),
        final=final % len(names),
        loss=np.where(verdict == NONE, len(losses), by_row(loss)),
        verdict=verdict,
        survivor=by_row(np.where(survivors == NONE, NONE, place[survivors]) if len(ids) else survivors),
        counts=place[mine] == np.arange(rows.num_rows),
    )


def _last(count: int, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """By code, the value that stands last beside it; NONE where it does not occur."""
    found = np.full(count, NONE, np.int64)
    found[codes] = values
    return found


def _coded(*columns: pa.ChunkedArray) -> tuple[pa.Array, list[np.ndarray]]:
    """The strings that stand in columns, and the place of each value among them: NONE for none."""
    joined = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())
    encoded = joined.combine_chunks().dictionary_encode()
    codes = pc.fill_null(encoded.indices, NONE).to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary, np.split(codes, np.cumsum([len(column) for column in columns])[:-1])


def _named(*columns: pa.ChunkedArray) -> tuple[list[str], list[np.ndarray]]:
    """The same, where "" is none."""
    strings, codes = _coded(*columns)
    names = strings.to_pylist()
    return names, [np.where(each == names.index(""), NONE, each) for each in codes] if "" in names else codes


def _losses(verdicts: pa.Table) -> tuple[list[str], np.ndarray]:
    """Names of losses, and which one each verdict is: NONE keeps the row."""
    (statuses, (status,)), (reasons, (reason,)) = _named(verdicts["status"]), _named(verdicts["reason"])
    pairs, codes = np.unique(status * (len(reasons) + 1) + reason + 1, return_inverse=True)
    told = [_loss(statuses[pair // (len(reasons) + 1)], [None, *reasons][pair % (len(reasons) + 1)]) for pair in pairs]
    names = sorted({name for name in told if name is not None})
    places = np.array([NONE if name is None else names.index(name) for name in told], np.int64)
    return names, places[codes] if len(told) else np.zeros(0, np.int64)


def _loss(status: str, reason: str | None) -> str | None:
    if status in KEPT:
        return None
    if status == "surplus":
        return OVER_QUOTA
    told = (reason or "no reason given").replace("_", " ")
    return told if status == "rejected" else f"held: {told}"


def reasons_of(counts: Counts) -> tuple[str, ...]:
    """Names of losses, the greatest first; what is not waste but kept aside comes last."""
    lost: dict[str, int] = {}
    for (_, _, loss), rows in counts.items():
        if loss is not None:
            lost[loss] = lost.get(loss, 0) + rows
    aside = {OVER_QUOTA: 2, WAITING: 3}
    return tuple(sorted(lost, key=lambda name: (aside.get(name, name.startswith("held: ")), -lost[name], name)))


def labels_of(named: Sequence[str], counts: Counts) -> tuple[str, ...]:
    """The task's labels, then any others that rows carry."""
    seen = {label for intended, final, _ in counts for label in (intended, final)}
    return (*named, *sorted(seen - set(named)))

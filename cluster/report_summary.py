"""What the report counts and shows of rows and verdicts, as one value that can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.report_duplicates import Cluster, Conflict, Text, clusters_of, conflicts_of
from cluster.report_fates import NONE, OVER_QUOTA, WAITING, Counts, Fates, fates_of, labels_of, reasons_of
from cluster.report_parts import Parts
from cluster.report_samples import Sample, pick_examples, pick_samples, sample_of

SAMPLE_ROWS = 20_000  # rows whose texts may be shown
FAR_ROWS = 200_000  # and rows that are read to find the texts that these are copies of
_SAID = ["scores", "survivor_id", "auditor"]


@dataclass(frozen=True)
class Summary:
    """`counts` are exact. Texts are of `sampled` rows out of `rows`, and of rows near them that they are copies of.

    `tokens` are sums over rows. `conflicts` in all, and `conflict_pairs` the most frequent.
    """

    rows: int
    sampled: int
    counts: Counts
    tokens: Mapping[str, int]
    samples: tuple[Sample, ...]
    examples: Mapping[str, tuple[str, ...]]
    clusters: tuple[Cluster, ...]
    conflicts: int
    conflict_pairs: tuple[Conflict, ...]


def summarise(rows: Parts, verdicts: Parts, labels: Sequence[str], seeds: Mapping[str, str]) -> Summary:
    """Of all rows and verdicts; `labels` are the task's, `seeds` the texts of seeds by id."""
    fates = fates_of(rows.slim, verdicts.slim)
    counts = fates.counted()
    sampled = _sampled(rows, fates)
    picked = pick_samples(fates, sampled, labels_of(labels, counts))
    reasons = [name for name in reasons_of(counts) if name not in (OVER_QUOTA, WAITING)]
    examples = pick_examples(fates, sampled, reasons)
    clusters, (conflicts, pairs) = clusters_of(fates), conflicts_of(fates)
    copied = [place for place in fates.survivor[picked].tolist() if place != NONE]
    first = [each.texts[0].place for each in clusters] + [place for each in pairs for place in each.places]
    further = [text.place for each in clusters for text in each.texts]
    texts = _texts(rows, [*(place for places in examples.values() for place in places), *first, *copied, *further])
    return Summary(
        rows=int(fates.counts.sum()),
        sampled=len(sampled),
        counts=counts,
        tokens={name: _sum(rows.slim, f"{name}_tokens", fates) for name in ("prompt", "output")},
        samples=_samples(rows, verdicts, fates, picked, _by_id(rows, copied, texts) | dict(seeds)),
        examples={reason: tuple(texts[place] for place in places) for reason, places in examples.items()},
        clusters=tuple(each.told(texts) for each in clusters),
        conflicts=conflicts,
        conflict_pairs=tuple(each.told(texts) for each in pairs),
    )


def _sampled(rows: Parts, fates: Fates) -> np.ndarray:
    """Places of the rows whose texts may be shown, ordered by id."""
    chosen = rows.chosen(SAMPLE_ROWS)
    chosen = chosen[fates.counts[chosen]]
    return chosen[pc.sort_indices(rows.slim["id"].take(pa.array(chosen))).to_numpy()]


def _texts(rows: Parts, places: Sequence[int]) -> dict[int, str]:
    """Texts of rows by place, in the order of their importance as far as parts of FAR_ROWS rows have them."""
    asked = np.array(list(dict.fromkeys(places)), np.int64)
    asked = asked[rows.near(asked, FAR_ROWS)]
    if not len(asked):  # a run may have no part of which to take a text
        return {}
    found = rows.take(asked, ["text"])["text"].to_pylist()
    return {place: text or "" for place, text in zip(asked.tolist(), found, strict=True)}


def _by_id(rows: Parts, places: Sequence[int], texts: Mapping[int, str]) -> dict[str, str]:
    known = [place for place in places if place in texts]
    ids = rows.slim["id"].take(pa.array(known, pa.int64())).to_pylist()
    return {key: texts[place] for key, place in zip(ids, known, strict=True)}


def _samples(
    rows: Parts, verdicts: Parts, fates: Fates, places: Sequence[int], texts: Mapping[str, str]
) -> tuple[Sample, ...]:
    at = np.array(places, np.int64)
    shown, said = rows.take(at).to_pylist(), verdicts.take(fates.verdict[at], _SAID).to_pylist()
    return tuple(sample_of(*each, texts) for each in zip(shown, said, map(fates.outcome, places), strict=True))


def _sum(rows: pa.Table, column: str, fates: Fates) -> int:
    return int(pc.sum(pc.fill_null(rows[column], 0).filter(pa.array(fates.counts))).as_py() or 0)


def as_json(summary: Summary) -> dict[str, Any]:
    """For `of_json`."""
    return asdict(replace(summary, counts={})) | {"counts": [[*key, rows] for key, rows in summary.counts.items()]}


def of_json(kept: Mapping[str, Any]) -> Summary:
    """What `as_json` was given. Raises KeyError or TypeError where it is of another form."""
    told = dict(kept)
    clusters = [each | {"texts": tuple(Text(**text) for text in each["texts"])} for each in kept["clusters"]]
    told["counts"] = {(intended, final, loss): rows for intended, final, loss, rows in kept["counts"]}
    told["samples"] = tuple(Sample(**each | {"exemplars": tuple(each["exemplars"])}) for each in kept["samples"])
    told["examples"] = {reason: tuple(texts) for reason, texts in kept["examples"].items()}
    told["clusters"] = tuple(Cluster(**each) for each in clusters)
    told["conflict_pairs"] = tuple(
        Conflict(**each | {"places": tuple(each["places"])}) for each in kept["conflict_pairs"]
    )
    return Summary(**told)

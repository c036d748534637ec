"""`feeds/NNN/picks.parquet`: the rows of a pool that were chosen, why, and how likely the draw was to bring each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cluster.feed.pool import Pool
from cluster.feed.settings import FeedSettings
from cluster.feed.shortlist import Shortlist
from denoise.dedup.compare import compare
from denoise.dedup.texts import read_texts
from denoise.diversity import Embed
from denoise.picking import RANDOM, Candidates, pick, shares_of
from denoise.sketch import near_settings
from generation.pieces import read_piece
from generation.records import digest

PICKS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("why", pa.string()),
        ("inclusion", pa.float64()),
        ("file", pa.string()),
        ("group", pa.int32()),
        ("row", pa.int64()),
        ("hash", pa.uint64()),
        ("label", pa.string()),
        ("confidence", pa.float64()),
        ("margin", pa.float64()),
        ("plain_label", pa.string()),
        ("disagreement", pa.float64()),
        ("nearest_label", pa.string()),
        ("distance", pa.float64()),
        ("scope", pa.float64()),
    ]
)
_SCORES = PICKS.names[PICKS.get_field_index("hash") :]


@dataclass(frozen=True)
class Taken:
    """PICKS in the order of picking, and how many of the shortlist were nearly known texts, and nearly test rows."""

    rows: pa.Table
    near_known: int
    near_test: int


def choose(
    listed: Shortlist,
    texts: Sequence[str],
    pool: Pool,
    settings: FeedSettings,
    known: Sequence[str],
    test: Sequence[str],
    near: float,
    embed: Embed,
    forgotten: Collection[str] = (),
) -> Taken:
    """The picks among the rows of a shortlist, whose `texts` are these.

    Rows whose Jaccard similarity to a text of `known` or `test` is `near` or more are left out, and those whose ids are
    `forgotten`; of rows as alike one is taken, of equal texts, as redaction makes some, the first by its key. Who was
    drawn stays drawn: the draw is not made up for those that are left out.
    """
    of_known, of_test, twins = near_texts(texts, known, test, near)
    rows = listed.rows
    number = shares_of(settings.take, settings.mix)[RANDOM]
    keys, scope = rows["key"].to_numpy(), rows["scope"].to_numpy()
    by_key = np.argsort(keys, kind="stable")
    drawn = by_key[:number]
    first = {texts[place]: place for place in by_key[::-1].tolist()}
    gone = {place for place, text in enumerate(texts) if first[text] != place or pick_id(text) in forgotten}
    left = sorted(of_known | of_test | gone)
    stays = np.full(len(rows), True)
    stays[left] = False
    places = np.flatnonzero(stays)
    new = {int(place): at for at, place in enumerate(places)}
    random = [place for place in drawn.tolist() if stays[place]]
    ranks = np.where(np.isin(places, random), 0.0, 1.0) + keys[places] / 2.0**65  # who was drawn comes first
    candidates = Candidates(
        keys=ranks,
        margins=rows["margin"].to_numpy()[places].astype(float),
        disagreements=rows["disagreement"].to_numpy()[places].astype(float),
        distances=rows["distance"].to_numpy()[places].astype(float),
        inside=scope[places] <= 0,
        sources=[rows["source"][int(place)].as_py() for place in places],
        vectors=embed([texts[place] for place in places]) if len(places) else np.zeros((0, 1)),
        twins={new[a]: [new[b] for b in others if b in new] for a, others in twins.items() if a in new},
    )
    # the even share where sources are few
    part = max(settings.per_source, 1 / max(1, len(listed.sources)))
    most = max(1, int(part * settings.take)) if pool.source else None
    found = pick(candidates, settings.take, settings.mix, most, len(random))
    inclusion = min(1.0, number / listed.eligible) if listed.eligible else 0.0
    told = [_told(rows, int(places[at]), texts, pool, why, inclusion) for at, why in found.items()]
    return Taken(pa.Table.from_pylist(told, PICKS), len(of_known), len(of_test - of_known))


def near_texts(
    texts: Sequence[str], known: Sequence[str], test: Sequence[str], near: float
) -> tuple[set[int], set[int], Mapping[int, Sequence[int]]]:
    """Places of texts that are nearly a known one, those nearly a test row, and of each its twins among the texts."""
    settings, old = near_settings(near), [*known, *test]
    shingles = read_texts(pa.array([*old, *texts], pa.string()), settings).shingles
    of_known, of_test, twins = set[int](), set[int](), dict[int, list[int]]()
    for first, second in compare(shingles, settings, old=len(old)).tolist():
        if second < len(old):
            continue
        place = second - len(old)
        if first < len(known):
            of_known.add(place)
        elif first < len(old):
            of_test.add(place)
        else:
            other = first - len(old)
            twins.setdefault(place, []).append(other)
            twins.setdefault(other, []).append(place)
    return of_known, of_test, twins


def listed_texts(pool: Pool, rows: pa.Table, read: Callable[..., pa.Table] = read_piece) -> list[str]:
    """The texts of rows (`part`, `row`) of a pool, piece by piece."""
    parts, places = rows["part"].to_numpy(), rows["row"].to_numpy()
    found = np.full(len(rows), "", object)
    for part in np.unique(parts):
        mine = np.flatnonzero(parts == part)
        table = read(pool.pieces[part], list(pool.columns))
        found[mine] = pool.texts(table.take(pa.array(places[mine])))
    return found.tolist()


def pick_id(text: str) -> str:
    """The id of a row whose text is of a pool: the same in every feed."""
    return digest("pool", text)


def _told(
    rows: pa.Table, place: int, texts: Sequence[str], pool: Pool, why: str, inclusion: float
) -> dict[str, object]:
    row = rows.slice(place, 1).to_pylist()[0]
    piece = pool.pieces[row["part"]]
    told = {"id": pick_id(texts[place]), "text": texts[place], "source": row["source"], "why": why}
    told |= {"inclusion": inclusion if why == RANDOM else None}
    told |= {"file": piece.file, "group": piece.group, "row": row["row"]}
    return told | {name: row[name] for name in _SCORES}

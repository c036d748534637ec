"""Which rows go when some are to be forgotten, and which are only told of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from cluster.evidence.lineage import find_row, labels_of, names_of
from cluster.store import Store
from denoise.quotes import Quotes
from generation.parts import read_parts
from generation.records import ROW_SCHEMA

_COLUMNS = ["id", "request_id", "source", "text", "label", "seed_ids", "prompt_tokens", "output_tokens"]
ASKED, COPY, QUOTE, CHILD = "asked for", "has its text", "quotes it", "made from it"
NEAR, ORIGINAL = "near duplicate", "a person made it anew"  # these are told of and stay


@dataclass(frozen=True)
class Row:
    """One id with all texts that parts ever held for it: of two drivers' parts only the first counts."""

    id: str
    round: int
    request_id: str | None
    source: str | None
    label: str | None
    seed_ids: tuple[str, ...]
    tokens: tuple[int, int]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """`going` are the rows to erase, by id, each with why; `kin` those that stay and why they are told of.

    `names` are the ids under which rows that go may stand in prompts. `quotes` finds their texts; those that stand in
    the task itself (`own`) are not looked for anywhere else.
    """

    going: Mapping[str, tuple[Row, str]]
    kin: Mapping[str, tuple[Row, str]]
    names: frozenset[str]
    quotes: Quotes
    own: tuple[str, ...] = field(default=())


def find_targets(store: Store, ids: Iterable[str], with_children: bool = False) -> Found:
    """From whole ids, or beginnings that no other id has. Raises UserError."""
    asked = [find_row(store, id).id for id in ids]
    rows, labels = read_rows(store), _labels(store)
    why = dict.fromkeys(asked, ASKED)
    while True:
        before = len(why)
        going = [rows[id] for id in why]
        texts, own = _looked_for(store, going)
        names = frozenset(name for row in going for name in _names(row, labels))
        plain = {_plain(text) for row in going for text in row.texts} - {""}
        quotes = Quotes(texts)
        for row in rows.values():
            if row.id in why:
                continue
            if any(_plain(text) in plain for text in row.texts):
                why[row.id] = COPY
            elif any(quotes.stand_in(text) for text in row.texts):
                why[row.id] = QUOTE
            elif with_children and not names.isdisjoint(row.seed_ids):
                why[row.id] = CHILD
        if len(why) == before:
            break
    kin = {id: (rows[id], reason) for id, reason in _kin(store, rows, why, names)}
    return Found({id: (rows[id], reason) for id, reason in why.items()}, kin, names, quotes, tuple(sorted(own)))


def still_there(store: Store, ids: Iterable[str]) -> Quotes:
    """What finds the texts of rows that parts still hold."""
    wanted, rows = set(ids), read_rows(store)
    return Quotes(_looked_for(store, [row for row in rows.values() if row.id in wanted])[0])


def read_rows(store: Store) -> dict[str, Row]:
    """All rows by id, generated and by people, of all parts."""
    rows: dict[str, Row] = {}
    for number in store.rounds():
        parts = [part for kind in ("generated", "people") for part in store.parts(number, kind)]
        for each in read_parts(store.filesystem, parts, ROW_SCHEMA, _COLUMNS).to_pylist():
            earlier = rows.get(each["id"])
            rows[each["id"]] = Row(
                each["id"],
                number,
                each["request_id"],
                each["source"],
                each["label"],
                tuple(each["seed_ids"] or ()),
                earlier.tokens if earlier else (each["prompt_tokens"] or 0, each["output_tokens"] or 0),
                (*(earlier.texts if earlier else ()), each["text"] or ""),
            )
    return rows


def _labels(store: Store) -> dict[str, set[str]]:
    return {id: labels for number in store.rounds() for id, labels in labels_of(store, number).items()}


def _names(row: Row, labels: Mapping[str, set[str]]) -> Iterator[str]:
    for text in row.texts:
        yield from names_of({"id": row.id, "label": row.label, "text": text}, labels.get(row.id, ()))


def _looked_for(store: Store, rows: Iterable[Row]) -> tuple[set[str], set[str]]:
    """Texts to look for, and those that the task itself holds, as a copy of a seed or of a label's description does."""
    material = [*_strings(store.run().get("config", {})), *_strings(store.read_json("seeds.json") or [])]
    texts = {text for row in rows for text in row.texts if text.strip()}
    own = {text for text in texts if any(map(Quotes([text]).stand_in, material))}
    return texts - own, own


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(each)


def _kin(
    store: Store, rows: Mapping[str, Row], going: Mapping[str, str], names: frozenset[str]
) -> Iterator[tuple[str, str]]:
    originals = {id for key in going if rows[key].source == "human" for id in rows[key].seed_ids}
    near = _near(store, going)
    for id, row in rows.items():
        if id in going:
            continue
        if not names.isdisjoint(row.seed_ids):
            yield id, CHILD
        elif id in originals:
            yield id, ORIGINAL
        elif id in near:
            yield id, NEAR


def _near(store: Store, going: Mapping[str, str]) -> set[str]:
    """Rows that fell in favour of one that goes, and those in whose favour one fell."""
    near: set[str] = set()
    for number in store.rounds():
        verdicts: pa.Table = store.revisions(number)
        for id, survivor in zip(verdicts["id"].to_pylist(), verdicts["survivor_id"].to_pylist(), strict=True):
            if survivor is not None and (id in going) != (survivor in going):
                near.add(survivor if id in going else id)
    return near


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()

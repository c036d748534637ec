"""Stores below a run's: explanations of its rows, and rows that were generated ahead for people who write."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.explanations import store_of as explanations_of
from cluster.forgetting.pending import Forgetting, Gone, bury
from cluster.forgetting.targets import QUOTE, read_rows
from cluster.review.writing.bank import ahead_of
from cluster.store import Store
from denoise.quotes import Quotes

EXPLAINS = "explains it"


def nested_stores(store: Store) -> list[Store]:
    """Those that there are."""
    return [each for each in (explanations_of(store), ahead_of(store)) if each.rounds()]


def bury_nested(store: Store, told: Forgetting, quotes: Quotes) -> tuple[set[str], set[str]]:
    """Tombstones for their rows that tell of rows that go, or quote them; returns all ids and requests buried there."""
    ids, requests = set[str](), set[str]()
    for nested in nested_stores(store):
        if gone := tuple(_gone(nested, told, quotes, nested.root == explanations_of(store).root)):
            bury(nested, told, gone)
        for each in nested.forgotten():
            ids.add(each["id"])
            requests.add(each["request_id"])
    return ids, requests


def _gone(nested: Store, told: Forgetting, quotes: Quotes, explains: bool) -> Iterator[Gone]:
    for row in read_rows(nested).values():
        if explains and not told.ids.isdisjoint(row.seed_ids):
            yield Gone(row.id, row.request_id, row.round, *row.tokens, EXPLAINS)
        elif any(map(quotes.stand_in, row.texts)):
            yield Gone(row.id, row.request_id, row.round, *row.tokens, QUOTE)

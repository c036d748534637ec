"""Whose opinion people who write are told."""

from __future__ import annotations

from cluster.promotion import promote
from cluster.review.writing.opinion import opinion_of
from cluster.store import Store
from generation.location import Location
from tests.cluster.cases import begin_round
from tests.cluster.review.writing.cases import FakeStudent


def test_it_is_that_of_the_promoted_student(store: Store) -> None:
    assert opinion_of(store) is None
    for number in (0, 1):
        begin_round(store, {"pos": 1}, number)
        store.folder(number, "student").mkdir(parents=True)  # type: ignore[union-attr]
    promote(store, 0)
    asked: list[Location] = []

    def load(folder: Location) -> FakeStudent:
        asked.append(folder)
        return FakeStudent()

    opinion = opinion_of(store, load)
    assert opinion is not None and opinion.of("it is broken").label == "broken"
    assert asked == [store.folder(0, "student")]

"""Leases: one person a row, until they run out."""

from __future__ import annotations

from cluster.review.leases import Leases


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_lease_runs_out_unless_it_is_renewed() -> None:
    clock = Clock()
    leases = Leases(60, clock)
    leases.take("a", "anna")
    clock.now = 59
    assert (leases.holders("a"), leases.row_of("anna")) == ({"anna"}, "a")
    leases.take("a", "anna")
    clock.now = 118
    assert leases.holders("a") == {"anna"}
    clock.now = 120
    assert (leases.holders("a"), leases.row_of("anna")) == (set(), None)


def test_a_person_has_one_row_and_a_row_may_have_two_people() -> None:
    leases = Leases(60, Clock())
    leases.take("a", "anna")
    leases.take("a", "ben")
    leases.take("b", "anna")
    assert (leases.holders("a"), leases.holders("b")) == ({"ben"}, {"anna"})
    leases.release("ben")
    assert leases.dump() == {"b": {"anna": 60.0}}


def test_leases_outlive_the_server() -> None:
    clock = Clock()
    before, later = Leases(60, clock), Leases(60, clock)
    before.take("a", "anna")
    later.load(before.dump())
    assert later.row_of("anna") == "a"

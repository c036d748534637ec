"""One death is chance; after the second, halves are tried apart until the culprit is alone."""

from __future__ import annotations

from cluster.store import RequestRef
from cluster.suspects import Suspects


def group(*numbers: int) -> list[RequestRef]:
    return [RequestRef(f"r{number}", "plan", number, 1, 1, "p") for number in numbers]


def test_after_one_death_all_go_out_again() -> None:
    suspects = Suspects()
    assert suspects.died(group(1, 2, 3), apart=False) == (group(1, 2, 3), [])
    assert len(suspects) == 0


def test_after_two_the_same_ones_are_tried_apart() -> None:
    suspects = Suspects()
    suspects.died(group(1, 2, 3), apart=False)
    assert suspects.died(group(2, 3, 4), apart=False) == (group(4), [])
    assert (len(suspects), suspects.next_group(), len(suspects)) == (1, group(2, 3), 0)


def test_what_was_answered_in_between_is_cleared() -> None:
    suspects = Suspects()
    suspects.died(group(1, 2), apart=False)
    suspects.cleared(["r1"])
    assert suspects.died(group(1, 2), apart=False) == (group(1), [])


def test_halving_finds_the_culprit_and_nobody_else() -> None:
    suspects, culprit = Suspects(), 5
    for _ in range(2):
        suspects.died(group(*range(8)), apart=False)
    deaths, aside = 2, []
    while suspects:
        tried = suspects.next_group()
        if culprit in (each.place for each in tried):
            again, out = suspects.died(tried, apart=True)
            assert again == []
            aside += out
            deaths += 1
        else:
            suspects.cleared([each.request_id for each in tried])
    assert aside == group(culprit)
    assert deaths == 2 + 4  # of 8, of 4, of 2, alone


def test_one_alone_from_the_start_has_three_tries() -> None:
    suspects = Suspects()
    assert suspects.died(group(1), apart=False) == (group(1), [])
    assert suspects.died(group(1), apart=False) == ([], [])
    assert suspects.next_group() == group(1)
    assert suspects.died(group(1), apart=True) == ([], group(1))
    assert suspects.died(group(1), apart=False) == (group(1), [])  # forgotten

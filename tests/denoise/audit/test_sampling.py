import numpy as np
import pytest

from denoise.audit.sampling import draw, favour, neyman

IDS = [f"row{number:03d}" for number in range(100)]
STRATA = ["common"] * 90 + ["rare"] * 10


def test_the_same_rows_are_drawn_in_any_order_of_files() -> None:
    there = [IDS[place] for place in draw(IDS, STRATA, 20, seed=7).places]
    back = [IDS[::-1][place] for place in draw(IDS[::-1], STRATA[::-1], 20, seed=7).places]
    assert there == back
    assert there != [IDS[place] for place in draw(IDS, STRATA, 20, seed=8).places]
    assert len(set(there)) == 20


def test_strata_are_filled_up_behind_the_rows_that_decide() -> None:
    plain, filled = draw(IDS, STRATA, 20, seed=1), draw(IDS, STRATA, 20, seed=1, floor=5)
    assert filled.places[:20].tolist() == plain.places.tolist()
    assert (plain.decides, filled.decides) == (20, 20)
    rare = [place for place in filled.places if place >= 90]
    assert len(rare) == 5
    assert filled.inclusion[list(filled.places).index(rare[0])] == 5 / 10
    assert len(draw(IDS, STRATA, 20, seed=1, floor=50).places) == 50 + 10  # a stratum has no more than its rows


def test_extra_rows_go_where_they_tell_most() -> None:
    rates = {"common": 0.02, "rare": 0.5}  # 90 * .14 against 10 * .5: of 30 rows 21.5 and 8.5
    plain, more = draw(IDS, STRATA, 20, seed=1), draw(IDS, STRATA, 20, seed=1, extra=10, rates=rates)
    assert more.places[:20].tolist() == plain.places.tolist()
    assert (len(more.places), more.decides) == (30, 20)
    rare = [place for place in more.places if place >= 90]
    assert len(rare) == 9
    assert dict(zip(more.places.tolist(), more.inclusion.tolist(), strict=True))[rare[0]] == 9 / 10
    assert len(draw(IDS, STRATA, 20, seed=1, extra=500).places) == 100


def test_every_row_is_as_likely_as_said() -> None:
    counts = np.zeros(100)
    for seed in range(2000):
        counts[draw(IDS, STRATA, 20, seed).places] += 1
    assert counts / 2000 == pytest.approx(np.full(100, 0.2), abs=4 * np.sqrt(0.16 / 2000))


def test_rows_go_where_defects_vary_most() -> None:
    # 900 * .14, 90 * .4583, 10 * .5: 63.3, 26.6 and the whole of the third, which has no more
    counts = neyman({"a": 900, "b": 90, "c": 10}, {"a": 0.02, "b": 0.3, "c": 0.5}, 100, floor=10)
    assert counts == {"a": 68, "b": 22, "c": 10}
    assert neyman({"a": 5, "b": 3}, {"a": 0.1, "b": 0.1}, 50) == {"a": 5, "b": 3}


def test_doubtful_rows_come_more_often_and_as_often_as_said() -> None:
    doubts = np.random.default_rng(0).random(60) ** 3
    counts = np.zeros(60)
    for seed in range(2000):
        places, inclusion = favour(doubts, 12, seed)
        counts[places] += 1
        assert len(places) in (11, 12, 13)
    assert inclusion.sum() == pytest.approx(12)
    assert inclusion.max() <= 1
    assert inclusion.min() >= 0.1 * 0.9 * 12 / 60
    assert counts / 2000 == pytest.approx(inclusion, abs=4 * np.sqrt(0.25 / 2000))

import pytest

from denoise.audit.agreement import agreeing, krippendorff, masi


def test_the_published_example() -> None:
    """Krippendorff 2011, four observers and twelve units."""
    observers = (
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    )
    told = [each.split() for each in observers]
    values = {
        str(unit): {str(person): each[unit] for person, each in enumerate(told) if each[unit] != "."}
        for unit in range(12)
    }
    assert krippendorff(values) == pytest.approx(0.743, abs=5e-4)
    assert agreeing(values.values()) == (8, 11)


def test_full_agreement_chance_and_nothing_to_compare() -> None:
    assert krippendorff({"a": {"x": 1, "y": 1}, "b": {"x": 2, "y": 2}}) == 1
    assert krippendorff({"a": {"x": 1, "y": 2}, "b": {"x": 2, "y": 1}}) == pytest.approx(-0.5)
    assert krippendorff({"a": {"x": 1}, "b": {"y": 2}}) is None
    assert krippendorff({"a": {"x": 1, "y": 1}}) is None


def test_sets_that_share_labels_are_nearer() -> None:
    one, two, other = frozenset("a"), frozenset("ab"), frozenset("c")
    assert (masi(one, one), masi(one, other)) == (0, 1)
    assert masi(one, two) == pytest.approx(1 - 2 / 3 * 1 / 2)
    assert masi(frozenset("ab"), frozenset("bc")) == pytest.approx(1 - 1 / 3 * 1 / 3)
    near = krippendorff({"r": {"x": one, "y": two}, "s": {"x": other, "y": other}}, masi)
    far = krippendorff({"r": {"x": one, "y": two}, "s": {"x": other, "y": other}})
    assert near is not None and far is not None and near > far

import pytest

from denoise.audit.merge import Answer, merge_answers

KEEP_A, KEEP_B, GONE = Answer(label="a"), Answer(label="b"), Answer(discarded=True)
ONE, OTHER = Answer(label="a", revision="one way"), Answer(label="b", revision="the other way")


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (GONE, KEEP_A, GONE),
        (ONE, GONE, GONE),
        (KEEP_A, KEEP_A, KEEP_A),
        (ONE, KEEP_B, KEEP_B),
        (ONE, ONE, ONE),
    ],
)
def test_the_rule(one: Answer, other: Answer, merged: Answer) -> None:
    assert merge_answers(one, other, "r") == merge_answers(other, one, "r") == merged


@pytest.mark.parametrize(("one", "other"), [(KEEP_A, KEEP_B), (ONE, OTHER)])
def test_where_people_differ_one_answer_is_drawn(one: Answer, other: Answer) -> None:
    drawn = [merge_answers(one, other, f"row {place}") for place in range(400)]
    assert drawn == [merge_answers(other, one, f"row {place}") for place in range(400)]
    assert {*drawn} == {one, other}
    assert 160 <= drawn.count(one) <= 240  # a fair coin, five standard deviations wide on both sides

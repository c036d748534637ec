"""What becomes of rows whose labels change, as it is told or as names have it."""

from __future__ import annotations

import pytest

from generation.errors import UserError
from generation.relabelling import Changes, Fate, fate_of_set, fates_of
from generation.task import Label


def labels(*told: str) -> list[Label]:
    """Labels such as "refund" or "refund: money goes back"."""
    pairs = [each.partition(": ") for each in told]
    return [Label(name=name, description=about or f"about {name}") for name, _, about in pairs]


def found(before: list[Label], after: list[Label], **told: list[str]) -> dict[str, str]:
    return {name: str(fate) for name, fate in fates_of(before, after, Changes.parse(**told)).items()}


def test_labels_that_stay_and_labels_that_go() -> None:
    before, after = labels("a", "b", "c"), labels("a", "b: means more now", "d")
    assert fates_of(before, after, Changes.parse()) == {
        "a": Fate("taken over", "a"),
        "b": Fate("defined anew", "b"),
        "c": Fate("left out"),
    }


def test_rules_are_a_part_of_the_guideline() -> None:
    after = [label.model_copy(update={"rules": ("not in jest",)}) for label in labels("a")]
    assert found(labels("a"), after) == {"a": "defined anew: judged again"}


def test_what_is_told() -> None:
    before, after = labels("a", "b", "c", "d", "e"), labels("ab", "c1", "c2", "f", "g: about e")
    told = found(before, after, merge=["a, b=ab"], split=["c=c1,c2"], rename=["d=f", "e=g"])
    assert told == {
        "a": "merged into ab",
        "b": "merged into ab",
        "c": "split into c1 and c2: judged again",
        "d": "defined anew: judged again as f",
        "e": "renamed to g",
    }


def test_a_label_may_take_others_in_or_give_some_away() -> None:
    before, after = labels("a", "b", "c"), labels("a: about a and b", "c: about some", "d: about others")
    assert found(before, after, merge=["a,b=a"], split=["c=c,d"]) == {
        "a": "merged into a",
        "b": "merged into a",
        "c": "split into c and d: judged again",
    }


def test_what_names_say() -> None:
    before = labels("lost", "stolen", "fee", "old_name: about cards", "gone")
    after = labels("lost_or_stolen", "fee_charged", "fee_waived", "new_name: about cards", "kept_apart")
    assert found(before, after) == {
        "lost": "merged into lost_or_stolen (by its name)",
        "stolen": "merged into lost_or_stolen (by its name)",
        "fee": "split into fee_charged and fee_waived: judged again (by its name)",
        "old_name": "renamed to new_name (by its name)",
        "gone": "left out",
    }
    assert found(before, after, drop=["fee"], rename=["lost=kept_apart"]) == {
        "lost": "defined anew: judged again as kept_apart",
        "stolen": "left out",
        "fee": "left out",
        "old_name": "renamed to new_name (by its name)",
        "gone": "left out",
    }


def test_one_new_label_with_an_old_one_s_beginning_is_no_split() -> None:
    assert found(labels("fee", "x"), labels("fee_charged", "x")) == {"fee": "left out", "x": "taken over"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"merge": ["a,b"]}, "--merge: must have the form a,b=c; got 'a,b'"),
        ({"merge": ["a=c"]}, "--merge: must name two labels or more on its longer side"),
        ({"split": ["a=c"]}, "--split: must name two labels or more on its longer side"),
        ({"rename": ["=c"]}, "--rename: must have the form a=b; got '=c'"),
        ({"rename": ["x=c"]}, "label 'x' is not of the run; its labels are a, b"),
        ({"rename": ["a=x"]}, "label 'x' is not of the new task; its labels are b, c"),
        ({"split": ["a=b,x"]}, "label 'x' is not of the new task; its labels are b, c"),
        ({"drop": ["b"]}, "label 'b' cannot be left out: the new task has it"),
        ({"rename": ["a=b"], "drop": ["a"]}, "label 'a' is named twice in --merge, --split, --rename and --drop"),
    ],
)
def test_mistakes(told: dict[str, list[str]], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        found(labels("a", "b"), labels("b", "c"), **told)
    assert str(caught.value) == expected


def test_sets_of_labels() -> None:
    fates = {
        "a": Fate("taken over", "a"),
        "b": Fate("merged", "z"),
        "c": Fate("left out"),
        "d": Fate("split", None, ("e", "f")),
        "g": Fate("defined anew", "g"),
        "h": Fate("merged", "z"),
    }
    assert fate_of_set(["a"], fates) == Fate("taken over", "a")
    assert fate_of_set(["a", "b"], fates) == Fate("merged", "a+z")
    assert fate_of_set(["b", "h"], fates) == Fate("merged", "z")
    assert fate_of_set(["a", "c", "d"], fates) == Fate("left out")
    assert fate_of_set(["a", "d"], fates) == Fate("split", None, ("e", "f"))
    assert fate_of_set(["b", "g"], fates) == Fate("defined anew", "g+z")

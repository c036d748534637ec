"""When the labels of a task change: what becomes of rows that were kept under the old ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from generation.errors import UserError
from generation.kinds.multi_label import join
from generation.task import Label

How = Literal["taken over", "renamed", "merged", "defined anew", "split", "left out"]
_JOINTS = ("_", "-", ".", " ")
_WORDS = ("and", "or")


@dataclass(frozen=True)
class Fate:
    """What becomes of rows of a label: they are of label `to` now, or of one that a judge has to find (None).

    `into` are the labels that it was split into; `inferred`: nobody said so, names do.
    """

    how: How
    to: str | None = None
    into: tuple[str, ...] = ()
    inferred: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether a judge has to look at each row again."""
        return self.how in ("defined anew", "split")

    def __str__(self) -> str:
        told = {
            "renamed": f"renamed to {self.to}",
            "merged": f"merged into {self.to}",
            "defined anew": "defined anew: judged again" + (f" as {self.to}" if self.into else ""),
            "split": f"split into {' and '.join(self.into)}: judged again",
        }.get(self.how, self.how)
        return told + (" (by its name)" if self.inferred else "")


@dataclass(frozen=True)
class Changes:
    """What a user says of labels, old ones first: `merged` many -> one, `split` one -> many, `renamed` one -> one."""

    merged: Mapping[tuple[str, ...], str]
    split: Mapping[str, tuple[str, ...]]
    renamed: Mapping[str, str]
    dropped: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls, merge: Sequence[str] = (), split: Sequence[str] = (), rename: Sequence[str] = (), drop: Sequence[str] = ()
    ) -> Changes:
        """From `a,b=c`, `a=b,c`, `a=b` and `a`. Raises UserError that names the option."""
        merged = {tuple(_names(left)): right for left, right in (_sides("--merge", each, "a,b=c") for each in merge)}
        parted = {left: tuple(_names(right)) for left, right in (_sides("--split", each, "a=b,c") for each in split)}
        renamed = dict(_sides("--rename", each, "a=b") for each in rename)
        for option, counts in (("--merge", map(len, merged)), ("--split", map(len, parted.values()))):
            if any(count < 2 for count in counts):
                raise UserError(f"{option}: must name two labels or more on its longer side")
        return cls(merged, parted, renamed, tuple(drop))

    @property
    def named(self) -> dict[str, Fate]:
        """Old label -> its fate as it was told. Raises UserError for a label that is told of twice."""
        told = [(old, Fate("merged", new)) for many, new in self.merged.items() for old in many]
        told += [(old, Fate("split", None, into)) for old, into in self.split.items()]
        told += [(old, Fate("renamed", new)) for old, new in self.renamed.items()]
        told += [(old, Fate("left out")) for old in self.dropped]
        olds = [old for old, _ in told]
        if twice := next((old for old in olds if olds.count(old) > 1), None):
            raise UserError(f"label {twice!r} is named twice in --merge, --split, --rename and --drop")
        return dict(told)


def fates_of(before: Iterable[Label], after: Iterable[Label], changes: Changes) -> dict[str, Fate]:
    """Old label -> what becomes of its rows. Raises UserError on a label that there is not.

    What `changes` do not name is seen by names: a label that is still there is taken over, or judged again if its part
    of the guideline has changed; one that is gone was renamed if exactly one new label has its description, merged if
    the name of a new one is those of several joined (`a_or_b`), split if two new ones or more begin with its own
    (`a_b`); else it is left out. A renamed label with another definition is judged again.
    """
    old, new = ({label.name: label for label in labels} for labels in (before, after))
    told = _checked(changes.named, old, new)
    found = {name: told.get(name) or _seen(name, old, new, set(told)) for name in old}
    return {name: _defined(fate, old[name], new) for name, fate in found.items()}


def fate_of_set(names: Sequence[str], fates: Mapping[str, Fate]) -> Fate:
    """What becomes of rows with a set of labels: the most that happens to any of them."""
    each = [fates[name] for name in names]
    if len(each) == 1:
        return each[0]
    for how in ("left out", "split"):
        if found := [fate for fate in each if fate.how == how]:
            return found[0]
    to = join({str(fate.to) for fate in each})
    hows = [fate.how for fate in each]
    order: tuple[How, ...] = ("defined anew", "merged", "renamed", "taken over")
    return Fate(next(how for how in order if how in hows), to)


def _checked(told: Mapping[str, Fate], old: Mapping[str, Label], new: Mapping[str, Label]) -> Mapping[str, Fate]:
    for name, fate in told.items():
        if name not in old:
            raise UserError(f"label {name!r} is not of the run; its labels are {', '.join(old)}")
        for wanted in (*fate.into, *([fate.to] if fate.to else [])):
            if wanted not in new:
                raise UserError(f"label {wanted!r} is not of the new task; its labels are {', '.join(new)}")
        if fate.how == "left out" and name in new:
            raise UserError(f"label {name!r} cannot be left out: the new task has it")
    return told


def _seen(name: str, old: Mapping[str, Label], new: Mapping[str, Label], told: set[str]) -> Fate:
    """The fate of a label of which nobody said anything."""
    if name in new:
        return Fate("taken over", name)
    gone = [each for each in old if each not in new and each not in told]
    added = [each for each in new if each not in old]
    alike = [each for each in added if new[each].description == old[name].description]
    if len(alike) == 1 and [each for each in gone if old[each].description == old[name].description] == [name]:
        return Fate("renamed", alike[0], inferred=True)
    for each in added:
        if name in (parts := _parts_in(each, gone)) and len(parts) > 1:
            return Fate("merged", each, inferred=True)
    into = tuple(each for each in added if any(each.startswith(name + joint) for joint in _JOINTS))
    return Fate("split", None, into, inferred=True) if len(into) > 1 else Fate("left out")


def _parts_in(name: str, gone: Sequence[str]) -> list[str]:
    """The labels that a name is joined of, as in a_b, a_or_b, a_and_b; none where anything else is in it."""
    for joint in _JOINTS:
        for between in (joint, *(f"{joint}{word}{joint}" for word in _WORDS)):
            for one in gone:
                if name.startswith(one + between) and (other := name[len(one + between) :]) in gone and other != one:
                    return [one, other]
    return []


def _defined(fate: Fate, old: Label, new: Mapping[str, Label]) -> Fate:
    """Rows of a label that means something else now are judged again; a merger says itself what it means."""
    if fate.how not in ("taken over", "renamed") or fate.to is None:
        return fate
    if old.model_dump(exclude={"name"}) == new[fate.to].model_dump(exclude={"name"}):
        return fate
    return Fate("defined anew", fate.to, (fate.to,) if fate.how == "renamed" else (), fate.inferred)


def _sides(option: str, told: str, form: str) -> tuple[str, str]:
    left, equals, right = told.partition("=")
    if not (equals and left.strip() and right.strip()):
        raise UserError(f"{option}: must have the form {form}; got {told!r}")
    return left.strip(), right.strip()


def _names(told: str) -> list[str]:
    return [name.strip() for name in told.split(",") if name.strip()]

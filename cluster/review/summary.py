"""How people agree and what they found, for the summary page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from cluster.audit.findings import independent, said
from cluster.audit.frame import DECIDED
from cluster.review.cases import Case, Verdict

OUTCOMES = ("confirmed", "corrected", "edited", "discarded")


@dataclass(frozen=True)
class PersonLine:
    """What one person did; `seconds` is the median time on a row."""

    name: str
    rows: int
    outcomes: Mapping[str, int]
    seconds: float | None


@dataclass(frozen=True)
class LabelLine:
    """What was found of the rows of one label."""

    label: str
    sampled: int
    checked: int
    defects: int


def people_lines(cases: Iterable[Case]) -> list[PersonLine]:
    """A line per person who has judged anything, by name."""
    given: dict[str, list[Verdict]] = {}
    for case in cases:
        for who, verdict in case.judged.items():
            given.setdefault(who, []).append(verdict)
    lines = []
    for who, verdicts in sorted(given.items()):
        times = [verdict["scores"].get("seconds", 0.0) for verdict in verdicts]
        counts = Counter(verdict["reason"] for verdict in verdicts)
        lines.append(PersonLine(who, len(verdicts), counts, median(times)))
    return lines


def label_lines(cases: Iterable[Case]) -> list[LabelLine]:
    """A line per label of the sample, those with most defects first."""
    sampled, checked, defects = Counter[str](), Counter[str](), Counter[str]()
    for case in cases:
        sampled[case.label] += 1
        checked[case.label] += case.is_defective is not None
        defects[case.label] += bool(case.is_defective)
    order = sorted(sampled, key=lambda label: (-defects[label], label))
    return [LabelLine(label, sampled[label], checked[label], defects[label]) for label in order]


@dataclass(frozen=True)
class Opinion:
    """What somebody said of a row, in words, and the text that they wrote instead of its own ("": none)."""

    who: str
    said: str
    text: str


@dataclass(frozen=True)
class Difference:
    """A row on which people differ, and how it stands: what holds, and whether it is settled and by whom or what."""

    text: str
    opinions: Sequence[Opinion]
    holds: str
    how: str


def opinions(cases: Iterable[Case], kind: str) -> dict[str, dict[str, Hashable]]:
    """Of each row that several people judged: what each of them said, as one value (`cluster.audit.findings.said`).

    Who decided where others differ is none of them.
    """
    found = {case.id: independent(case.judged.values(), kind) for case in cases}
    return {id: each for id, each in found.items() if len(each) > 1}


def opinions_on(case: Case, kind: str) -> list[Opinion]:
    """What people said of a row who did not see what others say."""
    found = []
    for who, value in independent(case.judged.values(), kind).items():
        new = str(case.judged[who]["survivor_id"]) if case.judged[who]["reason"] == "edited" else ""
        last = case.made[new].last if new in case.made else None
        words = in_words(value) if last is None or kind == "tags" else f"{last['label']}, rewritten"
        found.append(Opinion(who, words, case.texts.get(new, "")))
    return found


def differences(cases: Iterable[Case], kind: str, rule: str) -> list[Difference]:
    """Rows on which people differ, those first that nobody has decided."""
    found = []
    for case in cases:
        if len({*independent(case.judged.values(), kind).values()}) < 2:
            continue
        open_, last = case.is_disputed(kind), [*case.judged.values()][-1]
        how = _WAITS.get(rule, "") if open_ else f"decided by {_decider(case)}"
        found.append(
            (not open_, Difference(case.row["text"] or "", opinions_on(case, kind), in_words(said(last, kind)), how))
        )
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


_WAITS = {"last": "the last verdict", "wanli": "by the merge rule", "third": "waits for a third person"}


def _decider(case: Case) -> str:
    return next((who for who, verdict in reversed([*case.judged.items()]) if DECIDED in verdict["scores"]), "")


def in_words(value: Hashable) -> str:
    """What somebody said, for people."""
    if isinstance(value, bool):
        return "wrong spans" if value else "right spans"
    return " + ".join(sorted(value)) if isinstance(value, frozenset) else str(value)

"""How people agree and what they found, for the summary page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
        for who, verdict in case.history.given.items():
            given.setdefault(who, []).append(verdict)
    lines = []
    for who, verdicts in sorted(given.items()):
        times = sorted(dict(verdict["scores"] or ()).get("seconds", 0.0) for verdict in verdicts)
        counts = Counter(verdict["reason"] for verdict in verdicts)
        lines.append(PersonLine(who, len(verdicts), counts, times[len(times) // 2]))
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


def opinions(cases: Iterable[Case]) -> dict[str, dict[str, str]]:
    """Of each row that several people judged: person -> what the person would have of it, as one value."""
    return {
        case.id: {who: opinion_of(case, verdict) for who, verdict in case.history.given.items()}
        for case in cases
        if len(case.history.given) > 1
    }


def opinion_of(case: Case, verdict: Verdict) -> str:
    """What a verdict says in a few words: the label that the person would have, or what became of the row."""
    if verdict["reason"] == "discarded":
        return "discard"
    if verdict["reason"] == "edited":
        return "edit" if dict(verdict["scores"] or ()).get("defect") else case.label
    return verdict["label"] or case.label

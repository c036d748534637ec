"""How people agree and what they found, for the summary page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from cluster.audit.findings import said
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


def opinions(cases: Iterable[Case], kind: str) -> dict[str, dict[str, Hashable]]:
    """Of each row that several people judged: what each of them said, as one value (`cluster.audit.findings.said`)."""
    return {
        case.id: {who: said(verdict, kind) for who, verdict in case.judged.items()}
        for case in cases
        if len(case.judged) > 1
    }


def in_words(value: Hashable) -> str:
    """What somebody said, for people."""
    if isinstance(value, bool):
        return "wrong spans" if value else "right spans"
    return " + ".join(sorted(value)) if isinstance(value, frozenset) else str(value)

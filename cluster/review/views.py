"""What the templates show of a row, a lot and its people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cluster.review.cases import Case
from cluster.review.nearest import NearestSeeds, Seed
from cluster.review.words import Score, scores_in_words, status_in_words
from generation.kinds import make_kind
from generation.kinds.base import Kind
from generation.kinds.spans import OUTSIDE
from generation.task import Example, Label

MOST_SHOWN = 20_000  # characters of a text


class Token(NamedTuple):
    """A token with what stands before it; `begins` a span of `slot`, or goes on with one ("": neither)."""

    gap: str
    text: str
    slot: str
    begins: bool


@dataclass(frozen=True)
class RowView:
    """One row as the page shows it. `texts` are (what it is, the text, how many characters are left out)."""

    id: str
    label: str
    chosen: tuple[str, ...]
    texts: tuple[tuple[str, str, int], ...]
    tokens: tuple[Token, ...]
    guideline: tuple[Label, ...]
    status: str
    scores: tuple[Score, ...]
    seeds: tuple[tuple[Seed, float], ...]
    blurred: bool
    raw: Mapping[str, str]


class Views:
    """Makes views of the rows of one run (`run.json`)."""

    def __init__(self, run: Mapping[str, Any], nearest: NearestSeeds, toxic: frozenset[str] = frozenset()) -> None:
        described = run.get("config", {}).get("labels") or run["labels"]
        self.labels = tuple(Label.model_validate(label) for label in described)
        self.kind: Kind = make_kind(run.get("kind", "label"), [label.name for label in self.labels])
        self.name, self.description = run["name"], run.get("description", "")
        self._nearest, self._toxic = nearest, toxic

    def row(self, case: Case) -> RowView:
        """All that is shown of a row."""
        text = case.row["text"] or ""
        chosen = tuple(case.label.split("+")) if self.kind.has_several else (case.label,)
        return RowView(
            id=case.id,
            label=case.label,
            chosen=chosen,
            texts=tuple((what, *_shortened(each)) for what, each in self._texts(case)),
            tokens=tuple(tokens_of(text, case.row["tokens"] or (), case.row["tags"] or ())),
            guideline=tuple(label for label in self.labels if label.name in chosen),
            status=status_in_words(case),
            scores=tuple(scores_in_words(case)),
            seeds=tuple(self._nearest.of(text)),
            blurred=self.blurs(case.id),
            raw=self.raw(case),
        )

    def blurs(self, id: str) -> bool:
        """Whether a text may offend."""
        return id in self._toxic

    def _texts(self, case: Case) -> list[tuple[str, str]]:
        if self.kind.name == "pair":
            return [("first text", case.row["text_a"] or ""), ("second text", case.row["text_b"] or "")]
        return [("text", case.row["text"] or "")]

    def raw(self, case: Case) -> dict[str, str]:
        """What the form for edits begins with, by field."""
        if self.kind.name == "pair":
            return {name: case.row[name] or "" for name in ("text_a", "text_b")}
        tokens, tags = case.row.get("tokens") or (), case.row.get("tags") or ()
        text = case.row["text"] or ""
        return {"text": self.kind.write(Example(text, tokens=tuple(tokens), tags=tuple(tags))) if tokens else text}


def tokens_of(text: str, tokens: Sequence[str], tags: Sequence[str]) -> Iterable[Token]:
    """The tokens as they lie in their text."""
    place = 0
    for token, tag in zip(tokens, tags, strict=True):
        start = text.find(token, place)
        gap, place = (text[place:start], start + len(token)) if start >= 0 else (" ", place)
        yield Token(gap, token, "" if tag == OUTSIDE else tag[2:], tag.startswith("B-"))


def _shortened(text: str) -> tuple[str, int]:
    return (text, 0) if len(text) <= MOST_SHOWN else (text[:MOST_SHOWN], len(text) - MOST_SHOWN)

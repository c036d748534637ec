"""Two texts of a label spliced: the beginning of one and the end of another.

Ours, after SSMix (Yoon et al. 2021), which puts a span of one text into another: there saliency chooses the span, and
labels are mixed too; here both texts have one label, and the seam lies between clauses where there are any. No LM is
asked.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from generation.material import Material
from generation.methods.base import Ask, Method, Need
from generation.task import Label

TRIES = 8  # until a text comes out that the wave does not have

_BOUNDARY = re.compile(r"(?<=[.!?;:,])\s+|\s+(?=(?:and|but|or|so|because|although|while|since|when|which)\s)")


@dataclass(frozen=True)
class Mix(Method):
    """Pairs of examples."""

    name: ClassVar[str] = "mix"
    summary: ClassVar[str] = "the beginning of one example and the end of another, cut between clauses"
    paper: ClassVar[str] = "ours, after Yoon et al. 2021"
    cost: ClassVar[str] = "no tokens"
    templates: ClassVar[Mapping[str, str]] = {"completion": "", "chat": ""}
    needs: ClassVar[frozenset[Need]] = frozenset({"kept"})
    rewrites: ClassVar[bool] = True
    needs_seeds: ClassVar[bool] = True
    is_literal: ClassVar[bool] = True

    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """Nothing when the label has fewer than two examples."""
        examples, draw = material.examples_of(label.name), material.draw(label.name)
        known = {example.text for example in examples}
        asks = []
        for _ in range(count if len(examples) > 1 else 0):
            for _ in range(TRIES):
                one, other = draw.sample(examples, 2)
                text = splice(one.text, other.text, draw)
                if text not in known:
                    break
            known.add(text)
            asks.append(Ask(text, (one.id, other.id)))
        return asks


def splice(one: str, other: str, draw: random.Random) -> str:
    """Some first pieces of `one` and some last ones of `other`, of each at least one and, if it has two, never all."""
    first, last = pieces(one), pieces(other)
    head = first[: draw.randrange(1, max(2, len(first)))]
    tail = last[-draw.randrange(1, max(2, len(last))) :]
    return " ".join([*head, *tail])


def pieces(text: str) -> list[str]:
    """The clauses of a text; of a single one its two halves; of a single word that word."""
    clauses = [" ".join(clause.split()) for clause in _BOUNDARY.split(text.strip())]
    if len(clauses) > 1:
        return clauses
    words = text.split()
    middle = len(words) // 2
    return [" ".join(half) for half in (words[:middle], words[middle:]) if half]

"""`feeds/NNN/opinions.parquet`: what student, plain opinion and LM say of picks, and the latter two of known rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cluster.feed.lens import Lens
from denoise.noise.calibration import Calibration
from denoise.noise.choice import choice_opinion, trusted_with
from generation.task import Example
from generation.untrusted import names_label

_SHARES = pa.list_(pa.float32())
OPINIONS = pa.schema(
    [("id", pa.string()), ("true", pa.int32()), ("student", _SHARES), ("plain", _SHARES), ("lm", _SHARES)]
)
ASKED = 100  # known rows that the LM is asked about, to know how far it may be trusted
# student and plain opinion of real rows (docs/feed.md); a student has learnt its seeds by heart and cannot be asked
PAIR = Calibration((0.8, 1.1), 0.0)


@dataclass(frozen=True)
class Opinions:
    """On n picks: `student`, `plain`, `lm` float64 [n, labels]. `known_plain`, `known_lm` [m, labels] are on rows whose
    labels `true` [m] are known, and which neither has seen."""

    ids: tuple[str, ...]
    student: np.ndarray
    plain: np.ndarray
    lm: np.ndarray
    known_plain: np.ndarray
    known_lm: np.ndarray
    true: np.ndarray

    @property
    def calibration(self) -> Calibration:
        """How far each is trusted: the LM as far as the known rows show."""
        return trusted_with(PAIR, self.known_plain, self.known_lm, self.true)

    @property
    def each(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three of them."""
        return self.student, self.plain, self.lm

    def table(self) -> pa.Table:
        """OPINIONS; known rows have a true label and no id."""
        picks = [
            {"id": id, "student": one, "plain": two, "lm": three}
            for id, one, two, three in zip(self.ids, *(each.tolist() for each in self.each), strict=True)
        ]
        known = zip(self.true.tolist(), self.known_plain.tolist(), self.known_lm.tolist(), strict=True)
        return pa.Table.from_pylist(
            picks + [{"true": true, "plain": plain, "lm": lm} for true, plain, lm in known], OPINIONS
        )

    @classmethod
    def of(cls, table: pa.Table, labels: int) -> Opinions:
        """What `table` gave."""
        rows = table.to_pylist()
        picks, known = ([row for row in rows if (row["true"] is None) == is_pick] for is_pick in (True, False))
        student, plain, lm = (_array([row[name] for row in picks], labels) for name in ("student", "plain", "lm"))
        known_plain, known_lm = (_array([row[name] for row in known], labels) for name in ("plain", "lm"))
        true = np.array([row["true"] for row in known], np.int64)
        return cls(tuple(row["id"] for row in picks), student, plain, lm, known_plain, known_lm, true)


def asked_about(
    lens: Lens,
    texts: Sequence[str],
    among: Sequence[Sequence[str]],
    shown: Callable[[Sequence[str]], Sequence[Example]],
    labels: Sequence[str],
) -> np.ndarray:
    """Places of known rows that the LM is asked about, ASKED or fewer: labels take turns.

    None that its own prompt would show, which is what is `shown` for the labels that it is asked `among`; none that
    names a label; and none of which the plain opinion had to see the label.
    """
    seen: Counter[int] = Counter()
    turns = []
    in_prompts = {names: {seed.text for seed in shown(names)} for names in set(map(tuple, among))}
    for place, (text, names) in enumerate(zip(texts, among, strict=True)):
        is_new = bool(np.isfinite(lens.left_out[place]).all()) and text not in in_prompts[tuple(names)]
        if is_new and not names_label(text, labels):
            turns.append((seen[lens.true[place]], place))
            seen[lens.true[place]] += 1
    return np.array([place for _, place in sorted(turns)[:ASKED]], np.int64)


def likeliest(probabilities: np.ndarray, labels: Sequence[str], count: int) -> list[list[str]]:
    """The labels that an LM chooses from for each row of probabilities [n, labels]: all, or the `count` likeliest."""
    if len(labels) <= count:
        return [list(labels)] * len(probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return [[labels[place] for place in sorted(row)] for row in order]


def heard_opinion(logprobs: np.ndarray, texts: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """What the LM says, float64 [n + m, labels], of n `texts` and then of m known rows; as even as can be where a text
    names a label, as it may be written for the LM.

    Nor do such texts count where its habits are taken from what it says of all others.
    """
    heard = np.ones(logprobs.shape[1], bool)
    heard[: len(texts)] = [not names_label(text, labels) for text in texts]
    found = np.full(logprobs.shape[1:], 1 / len(labels))
    found[heard] = choice_opinion(logprobs[:, heard])
    return found


def gathered(
    picks: Mapping[str, str],
    student: np.ndarray,
    plain: np.ndarray,
    lens: Lens,
    places: np.ndarray,
    logprobs: np.ndarray | None,
    labels: Sequence[str],
) -> Opinions:
    """Opinions on `picks` (id -> text); `logprobs` [ways, n + m, labels] are the LM's of picks, then of known rows.

    The known rows are those at `places`. None: there is no LM that can be asked, so that it says nothing of any row.
    """
    count, places = len(picks), places if logprobs is not None else places[:0]
    even = np.full((count, len(labels)), 1 / len(labels))
    lm = even if logprobs is None else heard_opinion(logprobs, [*picks.values()], labels)
    known = lens.left_out[places], lm[count:], lens.true[places]
    return Opinions(tuple(picks), student, plain, lm[:count], *known)


def _array(rows: Sequence[Sequence[float]], labels: int) -> np.ndarray:
    return np.array(rows, np.float64).reshape(len(rows), labels)

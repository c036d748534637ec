"""The bias check of a wave: what is found is kept with the round, told, and may hold the next wave back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from cluster.journal import Journal
from cluster.store import Store
from denoise.bias import LEAST_ROWS, Flips, associations, flips, swapped
from denoise.noise.judging import JudgeLike
from denoise.pipeline import BLOCK_ROWS, judge_texts
from generation.errors import UserError

Guess = Callable[[Sequence[str]], Sequence[str]]  # the judge's likeliest labels of texts
_FILE = "bias.json"


def check_bias(store: Store, journal: Journal, round_: int, wave: int, guess: Guess | None) -> None:
    """Look at all rows kept so far, and at the round's with their identity terms swapped; write down what was found.

    `guess` is asked only where LEAST_ROWS rows or more can be swapped.
    """
    rows = store.kept(store.rounds())
    found = associations(rows["text"].to_pylist(), rows["label"].to_pylist())
    flipped = _flips(store.kept([round_]), guess)
    alarms = [str(each) for each in found if each.alarms] + ([str(flipped)] if flipped.alarms else [])
    told = {
        "wave": wave,
        "associations": [asdict(each) for each in found if each.alarms],
        "flips": asdict(flipped),
        "alarms": alarms,
    }
    store.write_json(_name(round_), told)
    for alarm in alarms:
        journal.say(f"warning: bias: {alarm}")


def likeliest_labels(texts: Sequence[str], labels: Sequence[str], load_judge: Callable[[], JudgeLike]) -> list[str]:
    """The judge's labels of any texts. Needs an initialised Ray."""
    rows = pa.table({"position": range(len(texts)), "text": pa.array(texts, pa.string())})
    probabilities = judge_texts(rows, labels, load_judge, BLOCK_ROWS)
    return [labels[place] for place in probabilities.argmax(axis=1)]


def found_bias(store: Store, round_: int) -> Mapping[str, Any] | None:
    """What the newest check of a round found; None where there was none."""
    return store.read_json(_name(round_))


def refuse_biased(store: Store) -> None:
    """Raises UserError, saying how to go on, where the newest check has an alarm."""
    checks = [found for number in store.rounds() if (found := found_bias(store, number))]
    if checks and checks[-1]["alarms"]:
        raise UserError(
            f"{store.root}: paused: bias: {checks[-1]['alarms'][0]}; look at the kept rows, then go on with the same "
            "command and --set denoise.bias=warn"
        )


def _flips(rows: pa.Table, guess: Guess | None) -> Flips:
    texts = rows.sort_by("id")["text"].to_pylist() if guess else []
    pairs = [(text, other) for text in texts if (other := swapped(text)) is not None]
    if guess is None or len(pairs) < LEAST_ROWS:
        return Flips(len(pairs), 0)
    originals, others = [text for text, _ in pairs], [other for _, other in pairs]
    labels = list(guess([*originals, *others]))
    return flips(originals, others, labels[: len(pairs)], labels[len(pairs) :])


def _name(round_: int) -> str:
    return f"rounds/{round_:03d}/{_FILE}"

"""Which known rows the LM is asked about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cluster.feed.lens import Lens
from cluster.feed.opinions import asked_about, gathered
from generation.task import Example
from training.out_of_scope import Fence

TEXTS = ["play a song", "stop the radio", "will it rain", "is it hot", "what is the weather", "a lone text"]
LABELS = ["music", "weather", "lone"]


def lens() -> Lens:
    """Real rows of three labels; the last is the only one of its label."""
    said = np.full((6, 3), 1 / 3)
    said[5] = np.nan
    empty = np.zeros(0)
    fence = Fence(empty, empty, empty, empty, empty, empty, 0.0)
    true = np.array([0, 0, 1, 1, 1, 2])
    return Lens(fence, np.zeros((6, 1)), true, empty, empty, said, true, empty, empty)


def shown(labels: Sequence[str]) -> list[Example]:
    """Of two labels a prompt has room for the first two rows of each, of three for one."""
    places = (0, 1, 2, 3) if len(labels) == 2 else (0, 2, 5)
    return [Example(TEXTS[place], "") for place in places]


def test_no_row_is_asked_about_that_its_own_prompt_shows() -> None:
    pair, all_ = LABELS[:2], LABELS
    # "what is the weather" names a label, and of the lone text nobody can tell without it
    assert asked_about(lens(), TEXTS, [all_] * 6, shown, LABELS).tolist() == [1, 3]
    assert asked_about(lens(), TEXTS, [pair] * 6, shown, LABELS).tolist() == []
    assert asked_about(lens(), TEXTS, [pair, all_, pair, all_, all_, all_], shown, LABELS).tolist() == [1, 3]


def test_what_the_lm_says_of_texts_that_name_a_label_changes_nothing() -> None:
    picks = {"a": "say music", "b": "turn it up", "c": "how warm is it"}
    even, places = np.full((3, 3), 1 / 3), np.array([1, 3])
    logprobs = np.log([[[0.9, 0.05, 0.05], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]])
    obeyed = logprobs.copy()
    obeyed[:, 0] = np.log([0.001, 0.001, 0.998])
    one, other = (gathered(picks, even, even, lens(), places, told, LABELS) for told in (logprobs, obeyed))
    assert one.lm[0].tolist() == [1 / 3] * 3
    assert one.lm[1:].argmax(axis=1).tolist() == one.known_lm.argmax(axis=1).tolist() == [0, 1]
    assert (other.lm.tolist(), other.known_lm.tolist()) == (one.lm.tolist(), one.known_lm.tolist())
    assert gathered(picks, even, even, lens(), places, None, LABELS).lm.tolist() == even.tolist()
    nothing = gathered({}, even[:0], even[:0], lens(), places[:0], logprobs[:, :0], LABELS)
    assert (nothing.lm.shape, nothing.known_lm.shape) == ((0, 3), (0, 3))

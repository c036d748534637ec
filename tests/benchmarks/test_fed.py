"""What a feed makes of a split's unlabelled rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from yardstick.encoders import Encoders
from yardstick.fed import Fed
from yardstick.sets import Split

from cluster.feed.settings import FeedSettings
from training.job import TrainingRow
from training.settings import StudentSettings


def test_sure_rows_join_and_people_give_true_labels(split: Split, tmp_path: Path) -> None:
    fed = Fed(split, Encoders(tmp_path, StudentSettings()))
    wrong = [1 - fed.labels.index(label) for label in fed.true]
    says = np.eye(2)[wrong] * 0.98 + 0.01
    fed.plainly, fed.outside = says, np.zeros(len(says), bool)  # both sure, and both wrong
    joined = fed.joined(fed.decided(says, FeedSettings()))
    assert [row.label for row in joined] == [fed.labels[place] for place in wrong]
    says[0] = 0.5
    looked_at = fed.joined(fed.decided(says, FeedSettings(), looks=1))
    assert looked_at[0][:3] == (fed.texts[0], fed.true[0], 1.0)
    assert [row.text for row in looked_at] == fed.texts


def test_picks_are_the_least_sure_and_a_decision_names_its_text(split: Split, tmp_path: Path) -> None:
    fed = Fed(split, Encoders(tmp_path, StudentSettings()))
    says = np.full((len(fed.texts), 2), [0.99, 0.01])
    says[1] = [0.51, 0.49]
    fed.plainly, fed.outside = says, np.zeros(len(says), bool)
    only = FeedSettings(take=1, uncertain=1, disagrees=0, novel=0, random=0)
    assert fed.picked(says, [], only) == [1]
    (looked_at,) = fed.joined(fed.decided(says, only, looks=1, places=[1]))
    assert looked_at == TrainingRow(fed.texts[1], fed.true[1])

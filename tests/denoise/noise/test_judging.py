from __future__ import annotations

import pyarrow as pa
import pytest

from denoise.noise.judging import Judging
from tests.denoise.cases import KeywordJudge


def test_columns_follow_the_task() -> None:
    batch = pa.table({"position": [7, 9], "text": ["my card", "the hours"]})
    found = Judging(KeywordJudge, ["lost_card", "opening_hours"])(batch)
    assert found.to_pylist() == [
        {"position": 7, "probabilities": [0.75, 0.25]},
        {"position": 9, "probabilities": [0.25, 0.75]},
    ]


def test_a_judge_of_other_labels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"labels \['a', 'b'\]; got \['opening_hours', 'lost_card'\]"):
        Judging(KeywordJudge, ["a", "b"])

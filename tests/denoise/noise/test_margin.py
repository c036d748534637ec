"""Label margins: which labels are compared, what a margin does to an opinion, and the whole as a stage of a wave."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from denoise.noise.agreement import Agreement
from denoise.noise.margin import Margining, compared_labels, with_margin
from denoise.pipeline import denoise_wave
from denoise.settings import DenoiseSettings
from generation.records import map_column
from tests.denoise.cases import TASK, KeywordJudge, rows
from training.margins import label_margins


class LengthLikelihood:
    """Finds a text under lost_card as unlikely as it is long, and under opening_hours always the same."""

    labels = ["lost_card", "opening_hours"]  # noqa: RUF012

    def mean_logprobs(self, texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        assert all(set(each) == set(self.labels) for each in among)
        return np.array([[-len(text) / 10, -4.0] for text in texts])


def test_margin_to_the_likeliest_other_that_is_compared() -> None:
    found = label_margins(np.array([[-1.0, -2.0, -1.5], [-3.0, math.nan, -1.0], [-1.0, math.nan, math.nan]]), [0, 0, 0])
    assert found[:2].tolist() == [0.5, -2.0]
    assert math.isnan(found[2])
    assert label_margins(np.zeros((0, 2)), []).tolist() == []


def test_a_text_is_compared_for_the_labels_that_the_judge_finds_likeliest() -> None:
    probabilities = np.array([[0.1, 0.2, 0.3, 0.25, 0.15]])
    assert compared_labels(["a"], probabilities, list("abcde")) == [["a", "c", "d", "b"]]
    assert compared_labels(["c"], probabilities, list("abcde")) == [["c", "d", "b", "e"]]


def test_a_small_margin_rejects_where_one_is_demanded() -> None:
    opinion = Agreement("accepted", "a", None, {"judge_confidence": 0.9})
    told = with_margin(opinion, 0.3, DenoiseSettings(rerank="margin"))
    assert (told.status, told.scores) == ("accepted", {"judge_confidence": 0.9, "label_margin": 0.3})
    assert with_margin(opinion, 0.3, DenoiseSettings(least_margin=0.3)).status == "accepted"
    rejected = with_margin(opinion, 0.2, DenoiseSettings(least_margin=0.3))
    assert (rejected.status, rejected.reason, rejected.weight) == ("rejected", "label_margin", 0.0)
    assert with_margin(opinion, math.nan, DenoiseSettings(least_margin=0.3)) is opinion


def test_a_batch() -> None:
    batch = pa.table(
        {"position": [7, 3], "text": ["x" * 30, "x" * 50], "label": ["lost_card", "lost_card"]}
        | {"among": [["lost_card", "opening_hours"], ["opening_hours", "lost_card"]]}
    )
    found = Margining(LengthLikelihood)(batch)
    assert found.to_pylist() == [{"position": 7, "margin": 1.0}, {"position": 3, "margin": -1.0}]


def wave(settings: DenoiseSettings, remaining: int) -> dict[str, tuple[str, float | None]]:
    texts = {"1": "my card went missing somewhere on the long way home", "2": "card is lost", "3": "close at noon then"}
    table = rows(*({"id": id, "text": text, "intended_label": "lost_card"} for id, text in texts.items()))
    verdicts = denoise_wave(
        table,
        TASK,
        settings,
        KeywordJudge,
        pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}),
        {"lost_card": remaining, "opening_hours": 0},
        load_likelihood=LengthLikelihood,
    )
    scores = [each.get("label_margin") for each in map_column(verdicts, "scores")]
    return dict(zip(verdicts["id"].to_pylist(), zip(verdicts["reason"].to_pylist(), scores, strict=True), strict=True))


@pytest.mark.usefixtures("ray_session")
def test_margins_of_a_wave() -> None:
    """Only rows that the judge lets pass are read by the LM; the others keep the judge's reason."""
    strict = wave(DenoiseSettings(least_margin=0.0, relabel=0.8), 2)
    assert strict["2"] == (None, pytest.approx(2.8))
    assert strict["1"] == ("label_margin", pytest.approx(-1.1))
    assert strict["3"] == ("label_disagrees", None)
    plain = wave(DenoiseSettings(relabel=0.8), 2)
    assert {score for _, score in plain.values()} == {None}


@pytest.mark.usefixtures("ray_session")
def test_the_margin_decides_who_is_surplus() -> None:
    ranked = wave(DenoiseSettings(rerank="margin", relabel=0.8), 1)
    assert (ranked["1"][0], ranked["2"][0]) == ("over_quota", None)

"""The judge of texts with several labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.cases import SEEDS, UNSEEN
from training.losses import pairwise_cosine_loss
from training.one_vs_rest import SetJudge, fit_heads, memberships, sharpen_heads, tune_set_judge
from training.settings import StudentSettings

LABELS = ["weather", "music", "food", "question", "empty"]
ASKING = ("how ", "which ", "who ", "what ", "is ", "will ", "do ")


def labelled(pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Texts with their topic, and whether they ask."""
    return [(text, (label, *(["question"] if text.startswith(ASKING) else []))) for text, label in pairs]


@pytest.fixture(scope="module")
def tuned(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SetJudge, Path]:
    folder = tmp_path_factory.mktemp("judge") / "judge"
    return tune_set_judge(labelled(SEEDS), LABELS, StudentSettings(judge_steps=12), folder, minilm), folder


def test_each_label_is_told_by_itself(tuned: tuple[SetJudge, Path]) -> None:
    judge, _ = tuned
    found = judge.probabilities([text for text, _ in UNSEEN])
    wanted = memberships(labelled(UNSEEN), LABELS)
    assert found.shape == (6, 5) and found[:, 4].tolist() == [0.0] * 6
    assert ((found > 0.5) == wanted)[:, :3].all()
    assert ((found > 0.5) == wanted)[:, 3].sum() >= 5
    both = judge.probabilities([text for text, _ in SEEDS])
    assert float(both[memberships(labelled(SEEDS), LABELS)].mean()) == pytest.approx(0.9, abs=1e-6)


def test_the_folder_gives_the_same_judge(tuned: tuple[SetJudge, Path]) -> None:
    judge, folder = tuned
    again, texts = SetJudge.load(folder), [text for text, _ in UNSEEN]
    assert again.labels == LABELS and np.array_equal(again.probabilities(texts), judge.probabilities(texts))
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".txt"}


def test_heads_know_what_all_have_and_what_none_has() -> None:
    draw = np.random.default_rng(0)
    members = np.array([[True, False, number % 2 == 0] for number in range(8)])
    embeddings = draw.normal(size=(8, 4)) + 3 * members[:, 2:]
    weight, bias = sharpen_heads(*fit_heads(embeddings, members, 1.0), embeddings, members)
    assert bias[:2].tolist() == [np.inf, -np.inf] and not weight[:2].any()
    own = 1 / (1 + np.exp(-(embeddings @ weight[2] + bias[2])))
    assert (own > 0.5).tolist() == members[:, 2].tolist()
    assert (4 * 2 * 1.0 + own[members[:, 2]].sum()) / 12 == pytest.approx(0.9, abs=1e-6)


def test_texts_are_pulled_together_as_far_as_their_labels_overlap() -> None:
    """Cosines 1, 0, 0 of pairs whose labels overlap by 1/2, 0, 0, and 1/2, 1/3, 0."""
    embeddings = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    two = torch.tensor([[True, True, False], [True, False, False], [False, False, True]])
    assert float(pairwise_cosine_loss(embeddings, two)) == pytest.approx((0.25 + 0) / 2)
    three = torch.tensor([[True, True, False], [True, False, False], [False, True, True]])
    assert float(pairwise_cosine_loss(embeddings, three)) == pytest.approx(((0.25 + 1 / 9) / 2 + 0) / 2)
    alone = torch.tensor([0, 0, 1])
    assert float(pairwise_cosine_loss(embeddings, torch.eye(2)[alone] > 0)) == float(
        pairwise_cosine_loss(embeddings, alone)
    )


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="the judge needs at least one seed"):
        memberships([], LABELS)
    with pytest.raises(ValueError, match=r"got \['sea'\]"):
        memberships([("wet", ("sea", "weather"))], LABELS)

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.training.cases import LABELS, SEEDS, UNSEEN
from training.contrastive import Judge, balanced_batch, fit_head, tune_encoder, tune_judge
from training.encoder import Encoder
from training.settings import StudentSettings

SETTINGS = StudentSettings(judge_steps=8)


@pytest.fixture(scope="module")
def tuned(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Judge, Path]:
    """A judge of four labels, one of which has no seeds."""
    folder = tmp_path_factory.mktemp("judge") / "judge"
    return tune_judge(SEEDS, [LABELS[0], "empty", *LABELS[1:]], SETTINGS, folder, minilm), folder


def test_unseen_texts_are_judged_right(tuned: tuple[Judge, Path]):
    judge, _ = tuned
    probabilities = judge.probabilities([text for text, _ in UNSEEN])
    assert probabilities.shape == (6, 4) and probabilities.dtype == np.float64
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert [judge.labels[place] for place in probabilities.argmax(axis=1)] == [label for _, label in UNSEEN]


def test_a_label_without_seeds_gets_probability_0(tuned: tuple[Judge, Path]):
    judge, _ = tuned
    assert judge.probabilities(["anything at all"])[0, judge.labels.index("empty")] == 0.0


def test_the_folder_gives_the_same_judge(tuned: tuple[Judge, Path]):
    judge, folder = tuned
    again = Judge.load(folder)
    texts = [text for text, _ in UNSEEN]
    assert again.labels == judge.labels == json.loads((folder / "labels.json").read_text())
    assert np.array_equal(again.probabilities(texts), judge.probabilities(texts))
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".txt"}
    assert [path.name for path in folder.parent.iterdir()] == ["judge"]


def test_tuning_lowers_the_loss_and_repeats_exactly(minilm: Path):
    texts, targets = [text for text, _ in SEEDS], np.repeat([0, 1, 2], 4)
    first, second = (
        tune_encoder(Encoder.load(minilm), texts, targets, SETTINGS.model_copy(update={"judge_steps": 8}))
        for _ in range(2)
    )
    assert first == second
    assert first[-1] < first[0]


def test_one_label_is_certain(minilm: Path, tmp_path: Path):
    settings = StudentSettings(judge_steps=1)
    judge = tune_judge([("rain", "weather"), ("snow", "weather")], LABELS, settings, tmp_path / "judge", minilm)
    assert judge.probabilities(["hail"]).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_equals_scikit_learn(classes: int):
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(30, 5)).astype(np.float32)
    targets = np.arange(30) % classes
    judge = Judge(None, ["x", "y", "z"][:classes], *fit_head(vectors, targets, classes, 2.0))  # type: ignore[arg-type]
    expected = LogisticRegression(C=2.0, max_iter=1000).fit(vectors, targets).predict_proba(vectors)
    assert judge.from_embeddings(vectors) == pytest.approx(expected, abs=1e-6)


def test_batches_are_balanced():
    targets = np.repeat(np.arange(20), 5)
    batch = balanced_batch(np.random.default_rng(0), targets)
    assert len(batch) == len(set(batch)) == 24
    assert np.unique(targets[batch], return_counts=True)[1].tolist() == [3] * 8


def test_few_texts_are_taken_once():
    targets = np.array([0, 0, 0, 1])
    assert sorted(balanced_batch(np.random.default_rng(0), targets)) == [0, 1, 2, 3]


def test_mistakes_are_named(minilm: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="at least one seed"):
        tune_judge([], LABELS, SETTINGS, tmp_path / "judge", minilm)
    with pytest.raises(ValueError, match=r"got \['sport'\]"):
        tune_judge([("goal", "sport")], LABELS, SETTINGS, tmp_path / "judge", minilm)
    assert list(tmp_path.iterdir()) == []

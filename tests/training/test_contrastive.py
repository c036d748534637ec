import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.training.cases import LABELS, SEEDS, UNSEEN
from training.contrastive import Judge, average_with, balanced_batch, tune_encoder, tune_judge
from training.encoder import Encoder
from training.head import fit_head, sharpen
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


def test_the_judge_is_the_average_of_the_tuned_encoder_and_the_plain_one(minilm: Path, tmp_path: Path):
    shares = {share: SETTINGS.model_copy(update={"judge_share": share}) for share in (0.0, 0.25, 1.0)}
    judges = {share: tune_judge(SEEDS, LABELS, each, tmp_path / str(share), minilm) for share, each in shares.items()}
    plain, mixed, full = (dict(judges[share].encoder.named_parameters()) for share in shares)
    for name, weights in Encoder.load(minilm).named_parameters():
        assert torch.equal(plain[name], weights)
        assert torch.allclose(mixed[name], 0.75 * weights + 0.25 * full[name], atol=1e-6)


def test_an_average_that_keeps_all_changes_nothing(minilm: Path):
    encoder = Encoder.load(minilm)
    before = {name: weights.detach().clone() for name, weights in encoder.named_parameters()}
    average_with(encoder, {name: weights + 1 for name, weights in before.items()}, 1.0)
    assert all(torch.equal(weights, before[name]) for name, weights in encoder.named_parameters())


@pytest.mark.parametrize("labels", [3, 60])
def test_a_head_is_as_sure_of_its_seeds_for_few_labels_as_for_many(labels: int):
    generator = np.random.default_rng(0)
    targets = np.repeat(np.arange(labels), 4)
    vectors = generator.normal(size=(labels, 32))[targets] + 0.1 * generator.normal(size=(4 * labels, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    head = fit_head(vectors, targets, labels, 1.0)
    judge = Judge(None, [str(label) for label in range(labels)], *sharpen(*head, vectors))  # type: ignore[arg-type]
    found = judge.from_embeddings(vectors)
    assert found.max(axis=1).mean() == pytest.approx(0.9, abs=1e-6)
    assert np.array_equal(found.argmax(axis=1), (vectors @ head[0].T + head[1]).argmax(axis=1))


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


def test_the_plain_opinion_lies_beside_the_judge(tuned: tuple[Judge, Path], minilm: Path):
    judge, folder = tuned
    plain = Judge.load_plain(folder, minilm, SETTINGS.max_length)
    assert plain.labels == judge.labels
    vectors = Encoder.load(minilm).embed([text for text, _ in UNSEEN])
    found = plain.probabilities([text for text, _ in UNSEEN])
    assert found == pytest.approx(plain.from_embeddings(vectors), abs=1e-6)
    assert [plain.labels[place] for place in found.argmax(axis=1)] == [label for _, label in UNSEEN]
    assert found[:, judge.labels.index("empty")].tolist() == [0.0] * 6

"""A mixture's folder: written, read, and refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generation.adapters.folder import check_base, read_adapter
from generation.adapters.mixture import base_embeddings, check_values, load_mixture, read_mixture
from generation.adapters.seal import seal_adapter
from generation.errors import UserError
from generation.models import model_hash
from tests.generation.adapters.cases import HIDDEN, edit_json, make_lm, make_mixture, reseal

WORDS = {"task": [7, 8], "label=a": [9, 10], "label=b": [11, 12]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lm(tmp_path_factory.mktemp("lm") / "model")


@pytest.fixture
def folder(model: Path, tmp_path: Path) -> Path:
    """A sealed mixture with a mixer that has weights."""
    made = make_mixture(tmp_path / "mixture", base_embeddings(model), [5], WORDS, "attention")
    seal_adapter(made, model, "one two")
    return made


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_adapter(folder)
    return str(caught.value).removeprefix(f"{folder}/")


def test_what_is_read_of_it(folder: Path, model: Path) -> None:
    adapter = read_adapter(folder)
    assert (adapter.kind, adapter.name, adapter.rank, adapter.tokens) == ("mixture", str(folder), 0, 3)
    shape = read_mixture(folder)
    assert (shape.mixer, shape.values) == ("attention", tuple(WORDS))
    assert (shape.instruction, shape.tokens, shape.hidden) == (1, 2, HIDDEN)
    check_base(folder, model, model_hash(model))


def test_it_is_loaded_as_it_was_saved(folder: Path, model: Path) -> None:
    mixture, table = load_mixture(folder), base_embeddings(model)
    assert torch.equal(mixture.instruction, table[[5]])
    assert torch.equal(mixture.prompts, table[torch.tensor(list(WORDS.values()))])
    query = {name: value.shape for name, value in mixture.mixer.named_parameters()}
    assert query == {"query.weight": (HIDDEN, HIDDEN)}


def test_a_label_without_a_prompt(folder: Path) -> None:
    check_values(folder, ["task", "label=b"])
    with pytest.raises(UserError) as caught:
        check_values(folder, ["task", "label=c"])
    assert str(caught.value) == (
        f"{folder}/mixture.json: values: has no prompt for 'label=c'; known are 'task, label=a, label=b'"
    )


def test_a_base_model_of_another_width_or_other_weights(folder: Path, tmp_path: Path) -> None:
    wide, other = make_lm(tmp_path / "wide", hidden=2 * HIDDEN), make_lm(tmp_path / "other", seed=1)
    with pytest.raises(UserError, match=r"adapter.json: hidden_size: must be 64, the base model's; got 32"):
        check_base(folder, wide, model_hash(wide))
    with pytest.raises(UserError, match=r"adapter.json: model_hash: the adapter was made for another base model: "):
        check_base(folder, other, model_hash(other))
    reseal(folder, hidden_size=64, model_hash=model_hash(wide))
    with pytest.raises(UserError, match=r"mixture.safetensors: hidden size: must be 64, the base model's; got 32"):
        check_base(folder, wide, model_hash(wide))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"mixer": "sum"},
            "mixture.json: mixer: must be one of concat, pooling, attention, bottleneck, cnn; got 'sum'",
        ),
        (
            {"values": ["label=a", "label=b", "label=c"]},
            "mixture.json: values: must be a list of different names with 'task'; "
            "got ['label=a', 'label=b', 'label=c']",
        ),
        (
            {"values": ["task", "label=a"]},
            "mixture.safetensors: must hold 'instruction' [tokens, d] and 'prompts' [2 values, tokens, d]; "
            "got [1, 32] and [3, 2, 32]",
        ),
    ],
)
def test_a_config_that_is_wrong(folder: Path, changes: dict[str, object], expected: str) -> None:
    edit_json(folder / "mixture.json", **changes)
    reseal(folder)
    assert refusal(folder).startswith(expected)


def test_weights_of_another_mixer(folder: Path) -> None:
    edit_json(folder / "mixture.json", mixer="cnn")
    with pytest.raises(UserError) as caught:
        load_mixture(folder)
    assert str(caught.value) == (
        f"{folder}/mixture.safetensors: must hold the weights of mixer 'cnn'; got 'instruction, mixer.query.weight, "
        "prompts'"
    )


def test_a_model_without_embeddings(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no tensor of input embeddings; a mixture needs them"):
        base_embeddings(tmp_path)

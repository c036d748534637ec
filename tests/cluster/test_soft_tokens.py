"""What stands before a prompt in an engine: the same sums as training's, in the engine's own type."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cluster.soft_tokens import REMEMBERED, load_soft_tokens
from generation.adapters.folder import read_adapter
from generation.adapters.mixture import base_embeddings, load_mixture
from generation.adapters.seal import seal_adapter
from generation.adapters.soft_prompt import load_soft_prompt
from tests.generation.adapters.cases import HIDDEN, Sealed, make_mixture

VALUES = ("task", "label=a")


@pytest.fixture(scope="module")
def mixture(sealed: Sealed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = {"task": [7, 8], "label=a": [9, 10], "label=b": [11, 12]}
    folder = make_mixture(
        tmp_path_factory.mktemp("mixture") / "made", base_embeddings(sealed.model), [5], words, "attention"
    )
    seal_adapter(folder, sealed.model, "one two")
    return folder


def test_a_soft_prompt_is_always_the_same(sealed: Sealed) -> None:
    soft = load_soft_tokens(read_adapter(sealed.soft), sealed.soft, sealed.model, torch.bfloat16)
    assert torch.equal(soft([1, 2], VALUES), load_soft_prompt(sealed.soft).bfloat16())
    assert soft([1, 2], VALUES) is soft([3], ())


def test_a_mixture_is_mixed_for_each_prompt(sealed: Sealed, mixture: Path) -> None:
    """Of the values asked for, by a query read off the prompt's own embeddings."""
    soft = load_soft_tokens(read_adapter(mixture), mixture, sealed.model, torch.bfloat16)
    whole, table = load_mixture(mixture), base_embeddings(sealed.model)
    with torch.inference_mode():
        for tokens, values in (([1, 2], VALUES), ([30], VALUES), ([1, 2], ("task", "label=b"))):
            found = soft(tokens, values)
            assert found.dtype == torch.bfloat16 and found.shape == (3, HIDDEN)
            assert torch.equal(found, whole(values, table[tokens]).bfloat16())
    assert not torch.equal(soft([1, 2], VALUES), soft([30], VALUES))


def test_only_so_many_prompts_are_remembered(sealed: Sealed, mixture: Path) -> None:
    soft = load_soft_tokens(read_adapter(mixture), mixture, sealed.model, torch.float32)
    first = soft([0], VALUES)
    assert soft([0], VALUES) is first
    for length in range(2, REMEMBERED + 2):
        soft([1] * length, VALUES)
    again = soft([0], VALUES)
    assert again is not first and torch.equal(again, first)


def test_a_value_without_a_prompt_is_named(sealed: Sealed, mixture: Path) -> None:
    soft = load_soft_tokens(read_adapter(mixture), mixture, sealed.model, torch.float32)
    with pytest.raises(ValueError, match=r"^the mixture has no prompt for 'tone=dry'$"):
        soft([1], [*VALUES, "tone=dry"])

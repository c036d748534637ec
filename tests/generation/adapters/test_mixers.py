"""Each way to mix soft prompts: what it makes of them, and that it can learn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from generation.adapters.mixers import MIXERS, Attention, Mixer
from generation.adapters.mixing import Mixture
from generation.adapters.mixture import MIXER_NAMES, MixtureShape, described_values, values_of
from generation.attribute import Attribute

HIDDEN, TOKENS = 8, 3
NAMES = ("concat", "pooling", "attention", "bottleneck", "cnn")


def made(name: str, seed: int = 0) -> Mixer:
    torch.manual_seed(seed)
    return MIXERS[name](HIDDEN)


def drawn(values: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Prompts of some values, and the embeddings of a text of six tokens."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(values, TOKENS, HIDDEN, generator=draw), torch.randn(6, HIDDEN, generator=draw)


def target() -> Tensor:
    return torch.randn(HIDDEN, generator=torch.Generator().manual_seed(2))


def loss(mixed: Tensor) -> Tensor:
    return (mixed - target()).square().mean()


def test_the_table_is_whole() -> None:
    assert tuple(MIXERS) == NAMES == MIXER_NAMES


@pytest.mark.parametrize("values", [2, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_all_parameters_and_all_prompts_get_gradient(name: str, values: int) -> None:
    mixer, (prompts, text) = made(name), drawn(values)
    prompts.requires_grad_(True)
    loss(mixer(prompts, text)).backward()
    got = [prompts.grad[value] for value in range(values)] + [each.grad for each in mixer.parameters()]
    assert all(each is not None and float(each.abs().max()) > 1e-6 for each in got)
    assert len(got) - values == {"attention": 1, "bottleneck": 2, "cnn": 4}.get(name, 0)


def test_concat_and_pooling_by_hand() -> None:
    prompts, text = torch.tensor([[[1.0, 2.0]], [[3.0, 8.0]]]), torch.zeros(1, 2)
    assert MIXERS["concat"](2)(prompts, text).tolist() == [[1.0, 2.0], [3.0, 8.0]]
    assert MIXERS["pooling"](2)(prompts, text).tolist() == [[2.0, 5.0]]


def test_attention_by_hand() -> None:
    """Keys of mean square 1 against the query: the first prompt gets e^(1/√2), the second e^(-1/√2)."""
    mixer = Attention(2)
    with torch.no_grad():
        mixer.query.weight.copy_(torch.tensor([[0.5, 0.0], [0.0, 0.5]]))
    prompts = torch.tensor([[[2.0, 2.0]], [[-2.0, -2.0]]])
    first, second = mixer.weights(prompts, torch.tensor([[4.0, 4.0], [-9.0, 1.0]])).tolist()
    assert first == pytest.approx(1 / (1 + torch.exp(torch.tensor(-(2**0.5)))).item())
    assert first + second == pytest.approx(1.0)
    assert mixer(prompts, torch.tensor([[4.0, 4.0]]))[0].tolist() == pytest.approx([2 * (first - second)] * 2)


@pytest.mark.parametrize("name", ["attention", "bottleneck"])
def test_after_a_step_it_is_neither_sum_nor_mean(name: str) -> None:
    """A softmax over the embedding axis, as the paper's code has it, would make it the sum for ever."""
    mixer, (prompts, text) = made(name), drawn(3)
    optimiser = torch.optim.SGD(mixer.parameters(), lr=1.0)
    before = mixer.weights(prompts, text)
    loss(mixer(prompts, text)).backward()
    optimiser.step()
    weights, mixed = mixer.weights(prompts, text), mixer(prompts, text)
    assert float((weights - before).abs().max()) > 1e-3
    assert weights.shape == (3,) and float(weights.sum()) == pytest.approx(1.0)
    assert float((mixed - prompts.sum(0)).abs().max()) > 0.5
    assert float((mixed - prompts.mean(0)).abs().max()) > 0.01


@pytest.mark.parametrize("name", ["attention", "bottleneck"])
def test_its_weights_follow_the_text(name: str) -> None:
    mixer, (prompts, text) = made(name), drawn(3)
    assert not torch.allclose(mixer.weights(prompts, text), mixer.weights(prompts, drawn(3, seed=5)[1]), atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_where_the_order_of_values_matters(name: str) -> None:
    mixer, (prompts, text) = made(name), drawn(3)
    same = torch.allclose(mixer(prompts, text), mixer(prompts.flip(0), text), atol=1e-5)
    assert same == (name in ("pooling", "attention", "bottleneck"))


@pytest.mark.parametrize("name", NAMES)
def test_how_many_soft_tokens_there_are(name: str) -> None:
    values = values_of("a", {"tone": "dry", "age": "old"})
    shape = MixtureShape(name, tuple(values), 4, TOKENS, HIDDEN)
    for count in (1, 2, 4):
        found = Mixture(shape)(values[:count], torch.ones(5, HIDDEN))
        assert found.shape == (4 + TOKENS * (count if name == "concat" else 1), HIDDEN)
        assert len(found) == shape.soft_tokens(count)


def test_the_values_of_a_request() -> None:
    assert values_of("a", {"tone": "dry", "age": "old"}) == ["task", "label=a", "age=old", "tone=dry"]
    assert values_of("a+b", {}) == ["task", "label=a", "label=b"]
    assert values_of("a", {"slot.city": "Rome", "tone": "dry"}) == ["task", "label=a", "slot.city", "tone=dry"]


def test_what_the_values_of_a_dimension_stand_for() -> None:
    tone = Attribute(name="tone", values=("dry", "sweet"), phrase="in a {value} tone")
    assert described_values(tone) == {"tone=dry": "in a dry tone", "tone=sweet": "in a sweet tone"}
    assert described_values(Attribute(name="slot.city", values=("Rome", "Ulm"))) == {"slot.city": "city"}


def test_the_instruction_stands_first_and_values_in_the_order_asked() -> None:
    mixture = Mixture(MixtureShape("concat", ("task", "label=a", "label=b"), 1, 1, 2))
    with torch.no_grad():
        mixture.instruction.copy_(torch.tensor([[9.0, 9.0]]))
        mixture.prompts.copy_(torch.tensor([[[0.0, 0.0]], [[1.0, 1.0]], [[2.0, 2.0]]]))
    assert mixture(["label=b", "task"], torch.ones(1, 2)).tolist() == [[9.0, 9.0], [2.0, 2.0], [0.0, 0.0]]

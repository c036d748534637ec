"""What is written into a manifest, against the same sums done by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from generation.adapters.folder import read_probe
from generation.adapters.manifest import TOP
from generation.adapters.merge import merge_lora
from generation.adapters.mixture import base_embeddings
from generation.adapters.seal import POSITIONS, seal_adapter, seal_adapters
from generation.errors import UserError
from generation.models import model_hash
from generation.tokens import count_tokens
from tests.generation.adapters.cases import HIDDEN, make_lm, make_lora, make_mixture, make_soft_prompt


def likeliest(logits: torch.Tensor) -> dict[int, float]:
    values, tokens = torch.log_softmax(logits, -1).topk(TOP)
    return dict(zip(tokens.tolist(), values.tolist(), strict=True))


def load(model: Path) -> AutoModelForCausalLM:
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)


def assert_near(found: dict[int, float], wanted: dict[int, float]) -> None:
    assert found.keys() == wanted.keys()
    assert all(found[token] == pytest.approx(wanted[token], abs=1e-4) for token in wanted)


@torch.inference_mode()
def test_the_probe_of_a_lora(tmp_path: Path) -> None:
    model = make_lm(tmp_path / "model")
    folder = make_lora(tmp_path / "lora", model)
    seal_adapter(folder, model, "one two three")
    probe = read_probe(folder)
    assert (len(probe.prompt), len(probe.continuation), len(probe.adapter)) == (3, POSITIONS - 1, POSITIONS)
    adapted = PeftModel.from_pretrained(load(model), folder)
    for context, with_it, without in zip(probe.contexts, probe.adapter, probe.base, strict=True):
        assert_near(with_it, likeliest(adapted(torch.tensor([context])).logits[0, -1]))
        with adapted.disable_adapter():
            assert_near(without, likeliest(adapted(torch.tensor([context])).logits[0, -1]))
    assert probe.continuation == tuple(max(top, key=lambda token: top[token]) for top in probe.adapter[:-1])


@torch.inference_mode()
def test_the_probe_of_a_soft_prompt_of_real_words_is_that_of_the_words(tmp_path: Path) -> None:
    model = make_lm(tmp_path / "model")
    words, base = [7, 9, 11], load(model)
    folder = make_soft_prompt(tmp_path / "soft", base.get_input_embeddings()(torch.tensor(words)))
    seal_adapter(folder, model)
    probe = read_probe(folder)
    for context, with_it, without in zip(probe.contexts, probe.adapter, probe.base, strict=True):
        assert_near(with_it, likeliest(base(torch.tensor([words + context])).logits[0, -1]))
        assert_near(without, likeliest(base(torch.tensor([context])).logits[0, -1]))


def test_an_adapter_without_effect_is_not_sealed(tmp_path: Path) -> None:
    model = make_lm(tmp_path / "model")
    folder = make_lora(tmp_path / "lora", model, scale=0.0)
    with pytest.raises(UserError, match=f"{folder}: the adapter has no effect"):
        seal_adapter(folder, model)
    assert not (folder / "adapter.json").exists()


def test_a_soft_prompt_of_another_width_is_not_sealed(tmp_path: Path) -> None:
    model = make_lm(tmp_path / "model")
    folder = make_soft_prompt(tmp_path / "soft", torch.zeros(2, HIDDEN + 1))
    with pytest.raises(UserError, match="hidden size: must be 32, the base model's; got 33"):
        seal_adapter(folder, model)


def test_from_the_shell(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "generation.adapters", str(tmp_path), "--model", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == (
        f"labelmill: model: must be a folder with a config.json (a Hugging Face model); got '{tmp_path}'\n"
    )


@torch.inference_mode()
def test_a_merged_lora_answers_as_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELMILL_CACHE", str(tmp_path / "cache"))
    model = make_lm(tmp_path / "model")
    folder = make_lora(tmp_path / "lora", model)
    adapter = seal_adapter(folder, model)
    merged = merge_lora(adapter, folder, model, model_hash(model))
    probe = read_probe(folder)
    for context, with_it in zip(probe.contexts, probe.adapter, strict=True):
        assert_near(likeliest(load(merged)(torch.tensor([context])).logits[0, -1]), with_it)
    assert count_tokens(merged, ["a b"]) == [2]
    assert merge_lora(adapter, folder, model, model_hash(model)) == merged
    assert [path.name for path in merged.parent.iterdir()] == [merged.name]


@torch.inference_mode()
def test_several_adapters_and_those_without_effect(tmp_path: Path) -> None:
    """Each on a prompt of its own, with the base loaded once; a LoRA leaves nothing behind for those after it."""
    model = make_lm(tmp_path / "model")
    lora, idle = make_lora(tmp_path / "lora", model), make_lora(tmp_path / "idle", model, scale=0.0)
    words, base = [7, 9, 11], load(model)
    soft = make_soft_prompt(tmp_path / "soft", base.get_input_embeddings()(torch.tensor(words)))
    probes = {lora: ("one two", ""), idle: ("one two", ""), soft: ("one two three", "")}
    assert list(seal_adapters(probes, model, lenient=True)) == [lora, soft]
    assert not (idle / "adapter.json").exists()
    assert [len(read_probe(each).prompt) for each in (lora, soft)] == [2, 3]
    for context, with_it in zip(read_probe(soft).contexts, read_probe(soft).adapter, strict=True):
        assert_near(with_it, likeliest(base(torch.tensor([words + context])).logits[0, -1]))
    with pytest.raises(UserError, match=f"{idle}: the adapter has no effect"):
        seal_adapters(probes, model)


@torch.inference_mode()
def test_the_probe_of_a_mixture_of_real_words_is_that_of_the_words(tmp_path: Path) -> None:
    """An instruction, then the task's word and that of the label that was asked for, else of the first."""
    model = make_lm(tmp_path / "model")
    base = load(model)
    words = {"task": [7], "label=a": [9], "label=b": [11]}
    folder = make_mixture(tmp_path / "mixture", base_embeddings(model), [5], words)
    for label, wanted in (("b", [5, 7, 11]), ("", [5, 7, 9])):
        assert seal_adapter(folder, model, "one two", label).tokens == 4
        probe = read_probe(folder)
        assert probe.values == ("task", f"label={label or 'a'}")
        for context, with_it in zip(probe.contexts, probe.adapter, strict=True):
            assert_near(with_it, likeliest(base(torch.tensor([wanted + context])).logits[0, -1]))


def test_a_mixture_is_not_sealed_for_a_label_that_it_has_no_prompt_for(tmp_path: Path) -> None:
    model = make_lm(tmp_path / "model")
    folder = make_mixture(tmp_path / "mixture", base_embeddings(model), [5], {"task": [7], "label=a": [9]})
    with pytest.raises(UserError) as caught:
        seal_adapter(folder, model, label="c")
    assert str(caught.value) == (
        f"{folder}/mixture.json: values: has no prompt for 'label=c'; known are 'task, label=a'"
    )

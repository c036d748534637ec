"""What an adapter's folder must hold, and what is refused before an engine sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.adapters.folder import check_base, kind_of, place_adapter, read_adapter
from generation.adapters.lora import engine_rank
from generation.adapters.seal import seal_adapter
from generation.errors import UserError
from generation.models import model_hash
from tests.generation.adapters.cases import (
    HIDDEN,
    Sealed,
    copy_of,
    edit_json,
    make_lm,
    reseal,
    scale_matrices,
)


def refusal(folder: Path, model: Path | None = None) -> str:
    """The one line with which an adapter is refused, from its folder on."""
    with pytest.raises(UserError) as caught:
        read_adapter(folder)
        assert model is not None
        check_base(folder, model, model_hash(model))
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{folder}").removeprefix("/")


def test_what_is_read_of_a_lora(sealed: Sealed) -> None:
    adapter = read_adapter(sealed.lora)
    assert (adapter.kind, adapter.name, adapter.rank, adapter.tokens) == ("lora", str(sealed.lora), 8, 0)
    linear = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
    assert adapter.modules == linear
    check_base(sealed.lora, sealed.model, model_hash(sealed.model))


def test_what_is_read_of_a_soft_prompt(sealed: Sealed) -> None:
    adapter = read_adapter(sealed.soft)
    assert (adapter.kind, adapter.name, adapter.rank, adapter.tokens) == ("soft_prompt", str(sealed.soft), 0, 5)
    check_base(sealed.soft, sealed.model, model_hash(sealed.model))


def test_an_adapter_is_known_by_its_content(sealed: Sealed, tmp_path: Path) -> None:
    copied = copy_of(sealed.lora, tmp_path / "other")
    assert read_adapter(copied).id == read_adapter(sealed.lora).id
    seal_adapter(copied, sealed.model, prompt="another probe")
    assert read_adapter(copied).id == read_adapter(sealed.lora).id
    scale_matrices(copied, 2.0)
    reseal(copied)
    assert read_adapter(copied).id != read_adapter(sealed.lora).id


def test_an_adapter_that_is_not_sealed(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    (folder / "adapter.json").unlink()
    assert refusal(folder) == (
        f"adapter.json: no such file; seal the adapter first: python -m generation.adapters {folder} --model MODEL"
    )


def test_a_folder_that_holds_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must hold adapter_config.json \(LoRA\), soft_prompt.safetensors"):
        kind_of(tmp_path)


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_a_file_that_was_changed_or_is_missing(sealed: Sealed, tmp_path: Path, name: str) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    with (folder / name).open("ab") as stream:
        stream.write(b" ")
    assert refusal(folder) == f"{name}: is not the file that adapter.json was written for; seal the adapter again"
    (folder / name).unlink()
    assert refusal(folder).startswith(f"{name}: ")


@pytest.mark.parametrize(("kind", "name"), [("lora", "adapter_model.safetensors"), ("soft", "soft_prompt.safetensors")])
def test_a_corrupt_file(sealed: Sealed, tmp_path: Path, kind: str, name: str) -> None:
    folder = copy_of(getattr(sealed, kind), tmp_path / kind)
    whole = (folder / name).read_bytes()
    for spoilt in (whole[: len(whole) // 2], b"", b"\xff" * 64):
        (folder / name).write_bytes(spoilt)
        reseal(folder)
        assert refusal(folder).startswith(f"{name}: not a whole safetensors file (")


def test_pickled_weights(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    assert refusal(folder) == "adapter_model.bin: pickled weights are never loaded; save the adapter as safetensors"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"use_dora": True}, "use_dora: DoRA cannot be served; got True"),
        ({"bias": "all"}, "bias: must be 'none'; got 'all'"),
        ({"lora_bias": True}, "lora_bias: a bias in LoRA layers cannot be served; got True"),
        (
            {"modules_to_save": ["score"]},
            "modules_to_save: whole modules beside LoRA cannot be served; got ['score']",
        ),
        (
            {"init_lora_weights": "PiSSA"},
            "init_lora_weights: 'pissa' changes the base model; convert it to plain LoRA",
        ),
        ({"peft_type": "PREFIX_TUNING"}, "peft_type: must be 'LORA'; got 'PREFIX_TUNING'"),
        ({"r": 513}, "r: ranks must be from 1 to 512; got 513"),
        ({"r": 0}, "r: ranks must be from 1 to 512; got 0"),
        ({"rank_pattern": {"q_proj": 600}}, "r: ranks must be from 1 to 512; got 600"),
    ],
)
def test_a_lora_that_cannot_be_served(sealed: Sealed, tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    edit_json(folder / "adapter_config.json", **change)
    reseal(folder)
    assert refusal(folder) == f"adapter_config.json: {expected}"


def test_a_lora_of_embeddings(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    path = folder / "adapter_model.safetensors"
    more = {f"base_model.model.model.embed_tokens.lora_embedding_{name}": torch.zeros(8, 8) for name in "AB"}
    save_file(load_file(path) | more, path)
    reseal(folder)
    assert refusal(folder) == (
        "adapter_config.json: target_modules: must be linear layers inside the model; got 'embed_tokens'"
    )


def test_tensors_that_are_no_lora(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    path = folder / "adapter_model.safetensors"
    save_file(load_file(path) | {"base_model.model.model.norm.weight": torch.zeros(8)}, path)
    reseal(folder)
    assert refusal(folder) == (
        "adapter_model.safetensors: tensors must be matrices A and B of LoRA; got 'base_model.model.model.norm.weight'"
    )


def test_a_lora_without_matrices(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    save_file({}, folder / "adapter_model.safetensors")
    reseal(folder)
    assert refusal(folder) == "adapter_model.safetensors: must hold matrices A and B of LoRA; got no tensors"


def test_a_soft_prompt_of_another_shape(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.soft, tmp_path / "soft")
    save_file({"soft_prompt": torch.zeros(5, 3, HIDDEN)}, folder / "soft_prompt.safetensors")
    reseal(folder)
    assert refusal(folder) == (
        "soft_prompt.safetensors: must hold one tensor, 'soft_prompt' [tokens, hidden size]; "
        "got {'soft_prompt': [5, 3, 32]}"
    )


@pytest.mark.parametrize("kind", ["lora", "soft"])
def test_an_adapter_of_another_base_model(sealed: Sealed, tmp_path: Path, kind: str) -> None:
    other = make_lm(tmp_path / "other", seed=1)
    found = refusal(getattr(sealed, kind), other)
    assert found == (
        "adapter.json: model_hash: the adapter was made for another base model: "
        f"{model_hash(sealed.model)}; this one is {model_hash(other)}"
    )


@pytest.mark.parametrize("kind", ["lora", "soft"])
def test_a_wrong_hidden_size(sealed: Sealed, tmp_path: Path, kind: str) -> None:
    """Its manifest tells it; and where the manifest lies, the weights do."""
    wide = make_lm(tmp_path / "wide", hidden=2 * HIDDEN)
    folder = copy_of(getattr(sealed, kind), tmp_path / kind)
    assert refusal(folder, wide) == "adapter.json: hidden_size: must be 64, the base model's; got 32"
    reseal(folder, hidden_size=64, model_hash=model_hash(wide))
    assert (
        refusal(folder, wide)
        == {
            "lora": "adapter_model.safetensors: model.layers.0.mlp.down_proj: must fit the base model's [64, 128]; "
            "got A [8, 64], B [32, 8]",
            "soft": "soft_prompt.safetensors: hidden size: must be 64, the base model's; got 32",
        }[kind]
    )


def test_an_adapter_whose_own_probe_shows_no_effect(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    manifest = json.loads((folder / "adapter.json").read_text())
    edit_json(folder / "adapter.json", probe=manifest["probe"] | {"adapter": manifest["probe"]["base"]})
    assert refusal(folder) == (
        ": the adapter has no effect: with it, logprobs on its probe prompt differ by 0.000 from the base model's; "
        "0.1 is the least"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "ia3"}, "adapter.json: kind: "),
        ({"probe": {}}, "adapter.json: probe.prompt: "),
        ({"rank": 3}, "adapter.json: rank: "),
    ],
)
def test_a_manifest_that_is_wrong(sealed: Sealed, tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    edit_json(folder / "adapter.json", **changes)
    assert refusal(folder).startswith(expected)


def test_a_copy_is_whole_and_mended_when_spoilt(sealed: Sealed, tmp_path: Path) -> None:
    adapter, target = read_adapter(sealed.lora), tmp_path / "adapters" / "copy"
    place_adapter(adapter, target)
    names = ["adapter.json", "adapter_config.json", "adapter_model.safetensors"]
    assert sorted(path.name for path in target.iterdir()) == names
    (target / names[2]).write_bytes(b"torn")
    place_adapter(adapter, target)
    assert read_adapter(target).id == adapter.id
    assert [path.name for path in target.parent.iterdir()] == ["copy"]


def test_an_adapter_that_changes_under_our_hands(sealed: Sealed, tmp_path: Path) -> None:
    folder = copy_of(sealed.lora, tmp_path / "lora")
    adapter = read_adapter(folder)
    scale_matrices(folder, 2.0)
    reseal(folder)
    with pytest.raises(UserError, match=f"{folder}: changed while it was read: was {adapter.id}, now "):
        place_adapter(adapter, tmp_path / "adapters" / "copy")
    assert list((tmp_path / "adapters").iterdir()) == []


@pytest.mark.parametrize(("rank", "room"), [(1, 1), (2, 8), (8, 8), (9, 16), (300, 320), (512, 512), (513, None)])
def test_the_rank_that_an_engine_is_given(rank: int, room: int | None) -> None:
    assert engine_rank(rank) == room

"""Every kind of adapter learns, changes nothing but itself, and is written as what it was at its best."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from generation.adapters.folder import check_base, read_adapter, read_probe
from generation.adapters.manifest import TOP
from generation.adapters.mixture import load_mixture
from generation.adapters.soft_prompt import load_soft_prompt
from generation.errors import Fault, UserError
from generation.models import model_hash
from generation.tokens import encode_texts
from tests.training.adapters.cases import MIXERS, TASK, make_job, make_scribe, parameters, trained
from tests.training.cases import LABELS
from training.adapters.job import AdapterResult
from training.adapters.trainer import AdapterTrainer

KINDS: dict[str, dict[str, Any]] = {
    "control_codes": {"method": "control_codes"},
    "lora": {"method": "lora"},
    "soft_prompts": {"method": "soft_prompts"},
    "reparameterised": {"method": "soft_prompts", "reparameterise": True},
    **{mixer: {"method": "mixture", "mixer": mixer} for mixer in MIXERS},
}


@pytest.fixture(scope="module", params=KINDS)
def finished(
    request: pytest.FixtureRequest, scribe: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[AdapterTrainer, AdapterResult, list[float]]:
    """A trainer at its end, its result, and the loss of every step."""
    trainer = AdapterTrainer(make_job(scribe, tmp_path_factory.mktemp("out") / "adapters", **KINDS[request.param]))
    losses = []
    while not trainer.finished:
        trainer.step()
        losses.append(trainer.progress.loss)
    return trainer, trainer.save(), losses


Finished = tuple[AdapterTrainer, AdapterResult, list[float]]


def likeliest(logits: torch.Tensor) -> dict[int, float]:
    values, tokens = logits.float().log_softmax(-1).topk(TOP)
    return dict(zip(tokens.tolist(), values.tolist(), strict=True))


def test_it_learns(finished: Finished) -> None:
    trainer, result, losses = finished
    assert sum(losses[-3:]) / 3 < losses[0] - 0.1
    assert (result.steps, result.best_step, result.curve) == (len(losses), len(losses), ())
    assert result == AdapterResult.load(result.folder)
    assert result.without_effect == ()
    shared = trainer.job.method.shared_adapter
    assert result.adapters == {label: "all" if shared else f"{place:03d}" for place, label in enumerate(LABELS)}


def test_the_base_model_is_as_it_was(finished: Finished, scribe: Path) -> None:
    start = AutoModelForCausalLM.from_pretrained(scribe, dtype=finished[0].lm.model.dtype).state_dict()
    found = {name.replace(".base_layer", ""): value for name, value in finished[0].lm.model.state_dict().items()}
    assert all(torch.equal(found[name], value) for name, value in start.items())
    assert {name for name in found if name not in start and "lora_" not in name} == set()


def test_every_parameter_of_its_own_has_moved(finished: Finished) -> None:
    trainer, _, _ = finished
    begun, now = parameters(AdapterTrainer(trainer.job)), parameters(trainer)
    assert begun.keys() == now.keys() and now
    assert [name for name, value in now.items() if torch.equal(begun[name], value)] == []


def test_its_folders_are_sealed_and_fit_the_base(finished: Finished, scribe: Path) -> None:
    trainer, result, _ = finished
    folders = {result.folder / name for name in result.adapters.values()}
    assert folders == {path for path in result.folder.iterdir() if path.is_dir()}
    for folder in folders:
        assert read_adapter(folder).kind == trainer.job.method.adapting
        check_base(folder, scribe, model_hash(scribe))


@torch.inference_mode()
def test_its_probe_is_what_its_files_say(finished: Finished, scribe: Path) -> None:
    """The same sums by transformers and peft, from nothing but what was saved."""
    trainer, result, _ = finished
    label = LABELS[-1]
    folder, base = result.folder / result.adapters[label], AutoModelForCausalLM.from_pretrained(scribe).float()
    probe, embed = read_probe(folder), base.get_input_embeddings()
    prompt = trainer.job.method.prompt(TASK, TASK.label(label), TASK.seeds_of(label)[:2])
    assert list(probe.prompt) == encode_texts(scribe, [prompt])[0]
    kind, lora = trainer.job.method.adapting, None
    if kind == "lora":
        lora = PeftModel.from_pretrained(base, folder).eval()
    for context, found in zip(probe.contexts, probe.adapter, strict=True):
        text = embed(torch.tensor(context))
        if lora is not None:
            logits = lora(torch.tensor([context])).logits[0, -1]
        elif kind == "soft_prompt":
            logits = base(inputs_embeds=torch.cat([load_soft_prompt(folder), text])[None]).logits[0, -1]
        else:
            soft = load_mixture(folder)(["task", f"label={label}"], text)
            logits = base(inputs_embeds=torch.cat([soft, text])[None]).logits[0, -1]
        wanted = likeliest(logits)
        assert found.keys() == wanted.keys()
        assert list(found.values()) == pytest.approx([wanted[token] for token in found], abs=1e-4)
    assert probe.values == (("task", f"label={label}") if kind == "mixture" else ())


def test_reparameterised_prompts_are_saved_folded(scribe: Path, tmp_path: Path) -> None:
    trainer = trained(make_job(scribe, tmp_path / "adapters", "soft_prompts", reparameterise=True))
    result, wanted = trainer.save(), trainer.adaptation.prompts().detach()
    assert not torch.allclose(wanted, trainer.adaptation.vectors, atol=1e-3)
    for label, prompt in zip(LABELS, wanted, strict=True):
        folder = result.folder / result.adapters[label]
        assert torch.equal(load_soft_prompt(folder), prompt)
        assert sorted(path.name for path in folder.iterdir()) == ["adapter.json", "soft_prompt.safetensors"]


def test_a_loras_files_tell_nothing_of_the_machine(scribe: Path, tmp_path: Path) -> None:
    """They are what it is known by: the same training elsewhere must give the same adapter."""
    copies = [make_scribe(tmp_path / name / "model") for name in ("here", "there")]
    folders = [trained(make_job(copy, copy.parent / "out", epochs=1)).save().folder / "all" for copy in copies]
    config = json.loads((folders[0] / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] is None
    assert config["target_modules"] == sorted(config["target_modules"])
    assert read_adapter(folders[0]).id == read_adapter(folders[1]).id


def test_a_base_model_of_other_weights_or_width_is_refused(scribe: Path, tmp_path: Path) -> None:
    folder = trained(make_job(scribe, tmp_path / "out", "mixture", epochs=1)).save().folder / "all"
    other, wide = make_scribe(tmp_path / "other", seed=1), make_scribe(tmp_path / "wide", hidden=64)
    for model, expected in (
        (other, "model_hash: the adapter was made for another base model: "),
        (wide, "hidden_size: must be 64, the base model's; got 32"),
    ):
        with pytest.raises(UserError) as caught:
            check_base(folder, model, model_hash(model))
        assert str(caught.value).startswith(f"{folder / 'adapter.json'}: {expected}")


def test_adapters_that_hardly_move_the_base_are_left_out_and_named(scribe: Path, tmp_path: Path) -> None:
    result = trained(make_job(scribe, tmp_path / "out", "lora", epochs=1, lora_rate=1e-7)).save()
    assert (result.adapters, result.without_effect) == ({}, LABELS)
    assert AdapterResult.load(result.folder) == result
    assert list(result.folder.glob("*/adapter.json")) == []


@pytest.mark.parametrize("more", [{"method": "lora"}, {"method": "mixture"}, {"discriminative": 2.0, "contrast": 0.5}])
def test_resumed_equals_unbroken(scribe: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    job = make_job(scribe, tmp_path / "out", **{"held_out": 0.25, "evaluate_every": 2, "epochs": 6, **more})
    unbroken = AdapterTrainer(job)
    (tmp_path / "checkpoint").mkdir()
    while not unbroken.finished:
        unbroken.step()
        if unbroken.progress.step == 3:
            unbroken.checkpoint(tmp_path / "checkpoint")
    resumed = AdapterTrainer(job)
    assert resumed.restore(tmp_path / "checkpoint")
    assert (resumed.progress.step, resumed.progress.resumes) == (3, 1)
    while not resumed.finished:
        resumed.step()
    assert (resumed.progress.step, resumed.progress.curve) == (unbroken.progress.step, unbroken.progress.curve)
    found, kept = parameters(resumed), resumed.kept
    assert all(torch.equal(found[name], value) for name, value in parameters(unbroken).items())
    assert kept and all(torch.equal(kept[name], value) for name, value in unbroken.kept.items())


def test_a_checkpoint_of_another_job_is_refused(scribe: Path, tmp_path: Path) -> None:
    AdapterTrainer(make_job(scribe, tmp_path / "out")).checkpoint(tmp_path)
    assert not AdapterTrainer(make_job(scribe, tmp_path / "out", seed=1)).restore(tmp_path)


def test_what_is_kept_is_the_lowest_label_contrast(scribe: Path, tmp_path: Path) -> None:
    """A rate this high wrecks the prompts, so that training stops early and an earlier look is the best."""
    settings = {"held_out": 0.25, "evaluate_every": 1, "patience": 2, "epochs": 40, "prompt_rate": 5.0}
    trainer = AdapterTrainer(make_job(scribe, tmp_path / "out", "soft_prompts", **settings))
    seen = []
    while not trainer.finished:
        trainer.step()
        seen.append(parameters(trainer)["vectors"])
    result = trainer.save()
    best = min(result.curve, key=lambda look: look.loss)
    assert result.best_step == best.step < result.steps < trainer.curriculum.steps
    saved = torch.stack([load_soft_prompt(result.folder / f"{place:03d}") for place in range(len(LABELS))])
    assert torch.equal(saved, seen[best.step - 1])
    assert not torch.equal(saved, seen[-1])


def test_one_that_diverges_says_so_without_held_out_seeds(scribe: Path, tmp_path: Path) -> None:
    trainer = AdapterTrainer(make_job(scribe, tmp_path / "out", "soft_prompts", held_out=0.0))
    trainer.step()
    with torch.no_grad():
        trainer.adaptation.vectors.fill_(float("inf"))
    with pytest.raises(Fault, match=r"adapters diverged at step 1: lower adapt\.lora_rate or adapt\.prompt_rate"):
        trainer.step()

"""The adaptation of a job; adding a kind touches its file and this table."""

from __future__ import annotations

from collections.abc import Callable

from generation.adapters.mixture import LABEL, TASK_VALUE, described_values, values_of
from generation.tokens import encode_texts
from training.adapters.adaptation import Adaptation
from training.adapters.job import AdapterJob
from training.adapters.lora import Lora
from training.adapters.mixture import MixtureOfPrompts
from training.adapters.soft_prompts import SoftPrompts
from training.causal_lm import CausalLM


def build_adaptation(job: AdapterJob, lm: CausalLM) -> Adaptation:
    """What the job's method trains, as it begins."""
    assert job.method.adapting is not None
    return _KINDS[job.method.adapting](job, lm)


def _lora(job: AdapterJob, lm: CausalLM) -> Adaptation:
    return Lora(lm, job.labels, job.settings.rank, job.method.shared_adapter, job.settings.lora_rate)


def _soft_prompts(job: AdapterJob, lm: CausalLM) -> Adaptation:
    settings = job.settings
    network = settings.network_rate if settings.reparameterise else None
    return SoftPrompts(lm, _described(job), settings.tokens, settings.prompt_rate, network)


def _mixture(job: AdapterJob, lm: CausalLM) -> Adaptation:
    settings = job.settings
    descriptions = {TASK_VALUE: _encoded(job, job.task.description)}
    for label, tokens in _described(job).items():
        # of a set of labels each has a prompt of its own, which other sets share
        for value in values_of(label, {})[1:]:
            own = value.removeprefix(f"{LABEL}=")
            descriptions[value] = tokens if own == label else _encoded(job, own.replace("_", " "))
    for attribute in job.task.attributes:
        descriptions |= {value: _encoded(job, words) for value, words in described_values(attribute).items()}
    instruction = _encoded(job, f"{job.task.description} Write one more text with the label that is asked for.")
    sizes, rates = (settings.instruction_tokens, settings.tokens), (settings.prompt_rate, settings.network_rate)
    return MixtureOfPrompts(lm, job.labels, descriptions, instruction, settings.mixer, sizes, rates)


def _described(job: AdapterJob) -> dict[str, list[int]]:
    """Token ids of each label's name and description."""
    return {
        label.name: _encoded(job, f"{label.name.replace('_', ' ')}: {label.description}") for label in job.task.labels
    }


def _encoded(job: AdapterJob, text: str) -> list[int]:
    return encode_texts(job.model_folder, [text])[0]


_KINDS: dict[str, Callable[[AdapterJob, CausalLM], Adaptation]] = {
    "lora": _lora,
    "soft_prompt": _soft_prompts,
    "mixture": _mixture,
}

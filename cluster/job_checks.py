"""What a task's settings, files and model must agree on before a run may begin."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.config import TaskConfig
from generation.adapters.mixture import MixtureShape, described_values, values_of
from generation.errors import UserError, clip
from generation.kinds import KINDS
from generation.material import Material
from generation.methods import METHODS
from generation.models import context_of
from generation.task import Task
from generation.tokens import count_tokens

if TYPE_CHECKING:
    from cluster.job import Job


def check_training(path: Path, config: TaskConfig, task: Task) -> None:
    """A method that trains adapters has its own, of the model that writes, from seeds of every label."""
    name = config.generation.method
    if METHODS[name].adapting is None:
        return
    if config.server.url:
        raise UserError(f"{path}: generation.method: {name!r} trains adapters, which a server cannot load")
    if config.generation.adapters:
        raise UserError(f"{path}: generation.adapters: must be empty with method {name!r}, which trains its own")
    if config.adapt.shard == "always" and config.runtime.most_workers == 1:
        raise UserError(f"{path}: adapt.shard: 'always' needs several workers to share the model; runtime.workers is 1")
    for label in task.label_names:
        if not task.seeds_of(label):
            raise UserError(f"{path}: generation.method: {name!r} trains on seeds, label {label!r} has none")
    if METHODS[name].adapting == "mixture":
        _check_values(path, task, name)


def _check_values(path: Path, task: Task, method: str) -> None:
    """A prompt of an attribute's value, or of a slot, is learnt from the seeds that have it."""
    carried = {value for seed in task.seeds for value in values_of(str(seed.label), dict(seed.attributes))}
    for attribute in task.attributes:
        for value in described_values(attribute):
            if value not in carried:
                raise UserError(
                    f"{path}: attributes: {method!r} learns a prompt of each value from seeds; {value!r} has none: "
                    f"give seeds a column {attribute.name!r}"
                )


def check_margins(path: Path, config: TaskConfig) -> None:
    """Label margins need the LM itself, and a judge to add to."""
    kind = KINDS[config.kind]
    if config.denoise.takes_margins and (kind.has_several or not kind.has_judge):
        raise UserError(f"{path}: denoise: label margins need a judge of single labels; kind {config.kind!r} has none")
    if config.server.url and config.denoise.takes_margins:
        raise UserError(f"{path}: denoise.least_margin: a server cannot give label margins; leave it and rerank alone")


def check_spans(path: Path, config: TaskConfig) -> None:
    """Only tagged texts have spans."""
    if config.denoise.least_span and config.kind != "tags":
        raise UserError(
            f"{path}: denoise.least_span: must be 0 for kind {config.kind!r}, which has no spans; "
            f"got {config.denoise.least_span}"
        )


def check_student(path: Path, config: TaskConfig) -> None:
    """Soft labels are a judge's, shares those of a judge of single labels; every worker needs a row of each batch, and
    one alone shares nothing out.
    """
    kind, student = KINDS[config.kind], config.student
    if config.runtime.most_workers > student.batch_size:
        raise UserError(
            f"{path}: runtime.workers: must be at most student.batch_size, {student.batch_size}, a row each; "
            f"got {clip(config.runtime.workers)}"
        )
    if student.shard == "always" and config.runtime.most_workers == 1:
        raise UserError(
            f"{path}: student.shard: 'always' needs several workers to share the student; runtime.workers is 1"
        )
    if student.loss == "soft_labels" and not kind.has_judge:
        raise UserError(f"{path}: student.loss: soft_labels are a judge's; kind {config.kind!r} has none")
    if student.targets != "hard" and (kind.has_several or not kind.has_judge):
        raise UserError(
            f"{path}: student.targets: {student.targets} needs a judge of single labels; kind {config.kind!r} has none"
        )


def what_cannot_stop(path: Path, config: TaskConfig, has_dev: bool) -> list[str]:
    """Warnings of settings at `stop:` for which nothing will be measured."""
    kind, stop, told = KINDS[config.kind], config.stop, []
    if stop.patience is not None and not has_dev and (kind.has_several or not kind.has_judge):
        told.append(
            f"{path}: stop.patience: students of kind {config.kind!r} are compared on dev rows alone; there are none "
            "(student.dev_per_label)"
        )
    if stop.noise is not None and (kind.has_several or not kind.has_judge):
        told.append(f"{path}: stop.noise: of kind {config.kind!r} only audits tell how many labels are wrong")
    return told


def _soft_tokens(job: Job, label: str) -> int:
    """The most soft tokens before a label's prompts."""
    kind, adapt = job.method.adapting, job.config.adapt
    if kind == "soft_prompt":
        return adapt.tokens
    if kind == "mixture":
        shape = MixtureShape(adapt.mixer, (), adapt.instruction_tokens, adapt.tokens, 0)
        return shape.soft_tokens(len(values_of(label, {each.name: "" for each in job.shown.attributes})))
    return job.adapters[label].tokens if label in job.adapters else 0


def check_methods(job: Job) -> None:
    """What the method works with must be there, and nothing that it ignores."""
    if job.method.is_literal and job.template:
        raise UserError(f"{job.path}: generation.template: must be left out: {job.method.name!r} has no prompt")
    if "pool" in job.method.needs and not job.config.pool:
        raise UserError(f"{job.path}: pool: must be a file of texts: generation.method {job.method.name!r} labels them")
    if job.method.is_constrained and job.config.server.url:
        raise UserError(
            f"{job.path}: generation.method: {job.method.name!r} needs an LM that engines load; a server (server.url) "
            "cannot be held to the labels"
        )
    if job.method.is_constrained and not job.kind.is_written_as_text:
        raise UserError(
            f"{job.path}: generation.method: {job.method.name!r} cannot label texts of kind {job.kind.name!r}"
        )
    if job.method.is_constrained and job.adapters:
        raise UserError(
            f"{job.path}: generation.adapters: must be empty with method {job.method.name!r}, which asks the base model"
        )
    for setting, method in {"method": job.method, "augment": job.augmenter}.items():
        if method and method.is_literal and job.kind.has_parts:
            raise UserError(
                f"{job.path}: generation.{setting}: {method.name!r} moves words, which would break what texts of kind "
                f"{job.kind.name!r} are made of"
            )
    for name in job.shown.label_names if job.method.needs_seeds else ():
        if not job.shown.seeds_of(name):
            raise UserError(
                f"{job.path}: generation.method: {job.method.name!r} needs seeds of every label; {name!r} has none"
            )


def check_context(job: Job) -> None:
    """Every prompt that a plan can hold, and its answer, must fit into the context, and that into the model's."""
    config = job.config
    if job.model_folder is None:
        _check_answer_length(job)
        return  # a server knows its own context, and refuses what does not fit
    trained = context_of(job.model_folder)
    if trained is not None and config.runtime.max_model_len > trained:
        raise UserError(
            f"{job.path}: runtime.max_model_len: must be at most {trained}, the model's own context; "
            f"got {config.runtime.max_model_len}"
        )
    room, task = room_of(job), job.shown
    for seed in (*task.seeds, *task.dev):
        if (tokens := count_tokens(job.model_folder, [seed.text])[0]) > room:
            raise UserError(
                f"{job.path.parent / config.seeds} line {seed.line}: text has {tokens} tokens; the context has room "
                f"for {room} (runtime.max_model_len {config.runtime.max_model_len} less generation.max_tokens)"
            )
    for label, tokens in longest_prompts(job, job.material()):
        if tokens > room:
            raise UserError(
                f"{job.path}: generation.exemplars: a prompt for {label!r} has {tokens} tokens; the context has "
                f"room for {room} (runtime.max_model_len {config.runtime.max_model_len} less generation.max_tokens)"
            )


def room_of(job: Job) -> int:
    """Tokens that the context has for a prompt."""
    return job.config.runtime.max_model_len - job.config.generation.max_tokens


def longest_prompts(job: Job, material: Material) -> Iterator[tuple[str, int]]:
    """Of each label and method that asks an LM, the label and the tokens of the longest prompt that a plan can hold."""
    assert job.model_folder is not None
    settings, task = job.config.generation, material.task
    # rows that stand in for seeds can be as long as an answer
    added = round(settings.sparse * settings.exemplars) * settings.max_tokens
    for method, label in itertools.product((each for each in job.methods if not each.is_literal), task.labels):
        if task.seeds_of(label.name) or not method.needs_seeds:  # else it is not asked for this label
            tokens = count_tokens(job.model_folder, [method.longest(material, label)])[0]
            yield label.name, tokens + added + _soft_tokens(job, label.name)


def _check_answer_length(job: Job) -> None:
    """A server must be told the longest answer, under either name: budgets count on it."""
    extra, most = job.config.server.extra, job.generation.max_tokens
    told = extra.get("max_completion_tokens", None if "max_tokens" in extra else most)
    if told != most:
        raise UserError(
            f"{job.path}: server.extra: max_completion_tokens: must be generation.max_tokens, {most}; got {clip(told)}"
        )

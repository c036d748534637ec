"""`task.yaml`: what a user writes, checked at once.

Settings are of three kinds. *Identity* (hashed: a change of it is another run), *runtime* (free to change) and
*extendable* (may grow on a later call). `IDENTITY`, `EXTENDABLE` and `RUNTIME` below partition the fields; of
`server`, what decides how texts are written counts as identity (`model`, `extra`), see job.py.
"""

from __future__ import annotations

import difflib
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from cluster.feed.settings import FeedSettings
from cluster.licence_settings import LicenceSettings
from cluster.prices import PriceSettings
from cluster.problems import UniqueKeyLoader, first_problem, yaml_problem
from cluster.server_settings import ServerSettings
from denoise.audit.assurance import Assurance
from denoise.round_settings import GuardSettings, StopSettings
from denoise.settings import DenoiseSettings
from generation.aim import AimSettings
from generation.attribute import PERSONA, Attribute, Line, persona
from generation.errors import UserError, clip
from generation.kinds import COLUMNS, KINDS
from generation.kinds.multi_label import join, split
from generation.methods import METHODS
from generation.models import EMBEDDED_LM
from generation.settings import REST, GenerationSettings, Settings
from generation.task import Label, Words
from training.adapters.settings import AdapterSettings
from training.settings import StudentSettings

IDENTITY = frozenset(
    {"name", "description", "kind", "labels", "attributes", "personas", "seeds", "quota_counts"}
    | {"model", "generation", "adapt", "denoise", "student"}
)
EXTENDABLE = frozenset({"quota", "rounds", "token_budget", "cost_budget", "pool", "stop"})
RUNTIME = frozenset({"runtime", "server", "prices", "test", "assurance", "aim", "guard", "licences", "feed"})


class RuntimeSettings(Settings):
    """Where and how fast it runs; never part of a run's identity."""

    address: str | None = Field(None, description="Ray cluster to join; none starts one on this machine")
    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: GPUs where there are some by now")
    engines: int = Field(1, ge=1)
    max_engines: int | None = Field(None, ge=1, description="more engines, up to so many, while much work waits")
    max_gpus: int | None = Field(None, ge=1, description="most GPUs that all engines may take together")
    gpus_per_engine: float = Field(1, ge=0, description="ignored where there is no GPU; 0.5: two engines share one")
    tensor_parallel: int = Field(1, ge=1, description="GPUs that share each layer of a model")
    pipeline_parallel: int = Field(1, ge=1, description="groups of such GPUs that share the layers between them")
    node_seconds: float = Field(900, ge=0, description="for a node that can host an engine to join a cluster")
    nodes_per_engine: int = Field(1, ge=1, description="nodes that one engine spans")
    quantization: str | None = Field(None, description="vLLM's method, such as fp8; none: as the weights say")
    sleep: bool = Field(False, description="engines free their GPUs' memory while models train")
    max_num_seqs: int = Field(64, ge=1, description="sequences decoded together in one engine")
    max_model_len: int = Field(1024, ge=64, description="context length in tokens")
    kv_cache_gb: int | None = Field(
        None, ge=1, description="KV cache on a CPU, whole GiB; none: a tenth of free memory"
    )
    gpu_memory: float = Field(0.9, gt=0, le=1, description="share of a GPU's memory that its engines take")
    commit_rows: int = Field(128, ge=1, description="rows an engine gathers before it commits a part")
    commit_seconds: float = Field(5.0, gt=0, description="or seconds, whichever comes first")
    hang_seconds: float = Field(300.0, gt=0, description="an engine with work and no new token for so long is replaced")
    workers: int | tuple[int, int] = Field(
        1, description="training workers, or [least, most]: then as many as there is room for"
    )
    mlflow: str | None = Field(None, description="folder of an MLflow store that training is noted in; none: no such")
    max_loras: int = Field(2, ge=1, description="LoRAs that an engine has in use at once")
    max_lora_rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] | None = Field(
        None, description="largest LoRA rank that engines have room for; none: what the task's LoRAs need"
    )
    merge_lora: bool | None = Field(
        None,
        description="merge the task's only LoRA into the engines' weights; none: on a CPU, where it is faster",
    )

    @field_validator("workers", mode="before")
    @classmethod
    def _workers_are_one_number_or_two(cls, workers: Any) -> Any:
        limits = workers if isinstance(workers, list | tuple) else (workers, workers)
        if not (len(limits) == 2 and all(type(each) is int for each in limits) and 1 <= limits[0] <= limits[1]):
            raise ValueError(f"must be a number of at least 1, or two of them, [least, most]; got {clip(workers)}")
        return workers

    @field_validator("mlflow")
    @classmethod
    def _mlflow_is_installed(cls, folder: str | None) -> str | None:
        if folder is not None and find_spec("mlflow") is None:
            raise ValueError("needs the package mlflow-skinny: pip install 'labelmill[mlflow]'")
        return folder

    @property
    def least_workers(self) -> int:
        return self.workers if isinstance(self.workers, int) else self.workers[0]

    @property
    def most_workers(self) -> int:
        return self.workers if isinstance(self.workers, int) else self.workers[1]

    @model_validator(mode="after")
    def _engines_can_be_placed(self) -> Self:
        world = self.tensor_parallel * self.pipeline_parallel
        if world > 1 and self.gpus_per_engine != 1:
            raise ValueError(
                f"gpus_per_engine must be left at 1 where an engine spans {world} GPUs; got {self.gpus_per_engine:g}"
            )
        if world % self.nodes_per_engine:
            raise ValueError(
                f"nodes_per_engine must divide tensor_parallel x pipeline_parallel, {world}; got "
                f"{self.nodes_per_engine}"
            )
        if self.max_engines is not None and self.max_engines < self.engines:
            raise ValueError(f"max_engines must be at least engines, {self.engines}; got {self.max_engines}")
        return self


class TaskConfig(Settings):
    """One task, as written in task.yaml."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="letters, digits, _ . -")]
    description: Words = Field(description="one sentence: what the texts are")
    kind: Literal["label", "multi_label", "pair", "tags"] = Field(
        "label", description="what an example is: a text with a label or several, a pair, tagged tokens"
    )
    labels: tuple[Label, ...] = Field(min_length=2, description="two or more labels with a sentence each")
    attributes: tuple[Attribute, ...] = Field((), description="ways in which texts of every label shall differ")
    personas: tuple[Line, ...] = Field((), description="who writes: one more such way")
    seeds: str = Field(description="labelled examples: .json, .jsonl, .csv or .parquet; columns as docs/tasks.md says")
    pool: str | None = Field(None, description="unlabelled real texts")
    test: str | None = Field(None, description="labelled held-out texts; used for evaluation only")
    quota: int = Field(30, ge=1, description="accepted rows wanted per label and round")
    quota_counts: Literal["rows", "rows_and_seeds"] = Field(
        "rows", description="whether a label's seeds fill its quota too, so that rare labels get the most rows"
    )
    rounds: int = Field(1, ge=1)
    token_budget: int | None = Field(None, ge=1, description="most prompt + output tokens over the whole run")
    prices: PriceSettings = PriceSettings()
    cost_budget: float | None = Field(None, gt=0, allow_inf_nan=False, description="most cost over the whole run")
    stop: StopSettings = StopSettings()
    aim: AimSettings = AimSettings()
    guard: GuardSettings = GuardSettings()
    model: str = Field(EMBEDDED_LM, description="the embedded LM, a Hugging Face folder, or its URI: s3://…, hf://…")
    server: ServerSettings = ServerSettings()
    generation: GenerationSettings = GenerationSettings()
    adapt: AdapterSettings = AdapterSettings()
    denoise: DenoiseSettings = DenoiseSettings()
    student: StudentSettings = StudentSettings()
    assurance: Assurance = Assurance()
    feed: FeedSettings = FeedSettings()
    licences: LicenceSettings = LicenceSettings()
    runtime: RuntimeSettings = RuntimeSettings()

    @property
    def engines(self) -> int:
        """How many engines there are: a server has one, which keeps its limits."""
        return 1 if self.server.url else self.runtime.engines

    @property
    def dimensions(self) -> tuple[Attribute, ...]:
        """Attributes and personas alike."""
        return self.attributes + ((persona(self.personas),) if self.personas else ())

    @field_validator("cost_budget")
    @classmethod
    def _budget_has_prices(cls, budget: float | None, info: ValidationInfo) -> float | None:
        if budget is not None and not info.data.get("prices", True):
            raise ValueError("needs prices: set prices.prompt and prices.output, or prices.per_engine_hour")
        return budget

    @field_validator("labels")
    @classmethod
    def _labels_are_unique(cls, labels: tuple[Label, ...], info: ValidationInfo) -> tuple[Label, ...]:
        names = [label.name for label in labels]
        for name in names:
            if problem := KINDS[info.data.get("kind", "label")].problem(name):
                raise ValueError(problem)
            if names.count(name) > 1:
                raise ValueError(f"label names must be unique; got {name!r} twice")
        for label in labels:
            for counter in label.counter_examples:
                if counter.label not in names:
                    raise ValueError(f"counter-example of {label.name!r} names an unknown label {counter.label!r}")
        return labels

    @field_validator("attributes")
    @classmethod
    def _attributes_are_unique(cls, attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
        names = [attribute.name for attribute in attributes]
        for name in names:
            if name == PERSONA:
                raise ValueError(f"{name!r} is what `personas` are called; list them there, or take another name")
            if name in COLUMNS:
                raise ValueError(f"attribute names must not be those of columns of seeds; got {name!r}")
            if names.count(name) > 1:
                raise ValueError(f"attribute names must be unique; got {name!r} twice")
        return attributes

    @field_validator("personas")
    @classmethod
    def _personas_are_unique(cls, personas: tuple[str, ...]) -> tuple[str, ...]:
        for each in personas:
            if personas.count(each) > 1:
                raise ValueError(f"personas must differ; got {each!r} twice")
        return personas

    @field_validator("generation")
    @classmethod
    def _method_is_known(cls, settings: GenerationSettings) -> GenerationSettings:
        if settings.method not in METHODS:
            close = difflib.get_close_matches(settings.method, METHODS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(METHODS)}"
            raise ValueError(f"unknown method {settings.method!r}; {hint}")
        return settings

    @model_validator(mode="after")
    def _a_server_has_its_own_penalty(self) -> TaskConfig:
        if self.server.url and self.generation.penalty > 1:
            raise ValueError(
                "generation.penalty must be 1 with server.url: it works inside engines of our own; for a server, see "
                f"server.extra; got {self.generation.penalty:g}"
            )
        return self

    @model_validator(mode="after")
    def _adapters_are_of_labels(self) -> TaskConfig:
        names, several = {label.name for label in self.labels}, KINDS[self.kind].has_several
        for name in set(self.generation.adapters) - {REST}:
            parts = split(name) if several else (name,)
            if unknown := sorted(set(parts) - names):
                raise ValueError(f"generation.adapters names an unknown label {unknown[0]!r}")
            if (wanted := join(parts)) != name:
                raise ValueError(f"generation.adapters must name labels of a set in order, {wanted!r}; got {name!r}")
        return self


def load_config(path: Path, overrides: list[str] | None = None) -> TaskConfig:
    """Read and check a task file; `overrides` are `a.b=value` with YAML values. Raises UserError."""
    return check_config(read_yaml(path), str(path), overrides)


def check_config(raw: Any, where: str, overrides: list[str] | None = None) -> TaskConfig:
    """The settings that a YAML document holds; `where` names it in errors. Raises UserError."""
    if not isinstance(raw, dict):
        raise UserError(f"{where}: must be a mapping of settings; got {clip(raw)}")
    for override in overrides or []:
        _override(raw, override)
    try:
        return TaskConfig.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{where}: {first_problem(error, TaskConfig)}") from None


def read_yaml(path: Path) -> Any:
    """Parsed YAML. Raises UserError with the line of a mistake."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: must be UTF-8; byte {error.start} is not") from None
    try:
        return yaml.load(text, UniqueKeyLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line, problem = yaml_problem(error, text)
        where = f" line {line}" if line else ""
        raise UserError(f"{path}{where}: not valid YAML: {problem}") from None


def _override(raw: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator or not key:
        raise UserError(f"--set: must have the form a.b=value; got {override!r}")
    *parents, last = key.split(".")
    node = raw
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise UserError(f"--set {key}: {parent!r} is not a group of settings")
        node = child
    try:
        node[last] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UserError(f"--set {key}: not a YAML value: {clip(value)}") from None

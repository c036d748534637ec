"""What an engine is started with: plain values that travel to its actor."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cluster.config import TaskConfig
from cluster.job import Job
from cluster.machine import GIB, free_memory
from cluster.server_spec import ServerSpec, plan_server
from cluster.tie import TIED
from generation.adapters.folder import Adapter
from generation.adapters.lora import engine_rank
from generation.decoding.serving import PLAIN, Decoding
from generation.errors import UserError
from generation.fetch import is_remote
from generation.kinds import make_kind
from generation.kinds.base import Kind
from generation.kinds.label import LABEL
from generation.methods import METHODS
from generation.models import resolve_model
from generation.threads import PATIENT_THREADS
from generation.tokens import BLOCK

# what an engine's processes take beside weights and KV cache, measured as proportional set size on the CPU build
OVERHEAD_GB = 2.5
# On a CPU the model runs in the engine core's own process. vLLM starts another one for it, to set OpenMP's environment
# there, which ours has from the start, and does so whenever it reads the executor's short name, "uni".
IN_CORE = "vllm.v1.executor.uniproc_executor.UniProcExecutor"
NO_ADAPTERS: Mapping[str, Adapter] = MappingProxyType({})
TRAINER_GPU = 0.1  # of a GPU that engines share: what a training worker asks for beside them


@dataclass(frozen=True)
class EngineSpec:
    """An engine's model and limits. `platform` is "cpu" or "gpu".

    `adapters` are those of the run. `merged` is the id of the LoRA that lies in the weights of `folder`, "" if none
    does; then `weights_hash` is the hash of that folder, and `model_hash` still the base model's.
    """

    model: str
    folder: str
    model_hash: str
    platform: str
    max_num_seqs: int
    max_model_len: int
    kv_cache_gb: int
    gpu_memory: float
    gpus: float
    commit_rows: int
    commit_seconds: float
    hang_seconds: float
    kind: Kind = LABEL
    adapters: tuple[Adapter, ...] = ()
    max_loras: int = 0
    max_lora_rank: int = 0
    merged: str = ""
    weights_hash: str = ""
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    nodes: int = 1
    quantization: str | None = None
    sleep: bool = False
    node_seconds: float = 0
    decoding: Decoding = PLAIN

    @property
    def world(self) -> int:
        """GPUs that one copy of the model is spread over."""
        return self.tensor_parallel * self.pipeline_parallel

    def engine_args(self) -> dict[str, Any]:
        """Arguments of vLLM's AsyncEngineArgs. Both scheduler limits are set: its defaults are small."""
        common = {
            "model": self.folder,
            "max_model_len": self.max_model_len,
            "max_num_seqs": self.max_num_seqs,
            "enable_prefix_caching": True,
            "enable_log_requests": False,
            "disable_log_stats": True,
            # inside a placement group vLLM would choose for itself
            "distributed_executor_backend": "ray" if self.nodes > 1 else "mp",
            "generation_config": "vllm",  # the model's own defaults must not change our sampling
            "trust_remote_code": False,
            **self._adapter_args(),
            **self.decoding.engine_args(),
        }
        if self.platform == "gpu":
            limit = max(16384, self.max_model_len)
            share = round(self.gpu_memory * min(1.0, self.gpus), 4)
            return common | {"max_num_batched_tokens": limit, "gpu_memory_utilization": share} | self._parallel()
        return common | {
            "dtype": "bfloat16",
            "enforce_eager": True,
            # seeded sampling with chunked prefill ends the CPU engine ("CPU Generator does not use offset")
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": max(4096, self.max_model_len),
            "block_size": BLOCK,
            "distributed_executor_backend": IN_CORE,
        }

    @property
    def loras(self) -> tuple[Adapter, ...]:
        """The LoRAs that requests ask for by name."""
        return tuple(each for each in self.adapters if each.kind == "lora" and each.id != self.merged)

    def _adapter_args(self) -> dict[str, Any]:
        """Each kind costs something in every batch: it is switched on where the run has it."""
        args: dict[str, Any] = {}
        if any(each.kind != "lora" for each in self.adapters):
            args["enable_prompt_embeds"] = True
        if self.loras:
            args |= {
                "enable_lora": True,
                "max_loras": self.max_loras,
                "max_lora_rank": self.max_lora_rank,
                "max_cpu_loras": max(self.max_loras, len(self.loras)),
                # its LoRA layer for embeddings goes wrong beside soft prompts: linear layers only
                "lora_target_modules": sorted({module for each in self.loras for module in each.modules}),
            }
        return args

    def _parallel(self) -> dict[str, Any]:
        """Arguments that are left out where vLLM's default is meant."""
        wanted = {
            "tensor_parallel_size": (self.tensor_parallel, 1),
            "pipeline_parallel_size": (self.pipeline_parallel, 1),
            "quantization": (self.quantization, None),
            "enable_sleep_mode": (self.sleep, False),
        }
        return {name: value for name, (value, default) in wanted.items() if value != default}

    def resources(self) -> dict[str, float]:
        """What an engine asks of Ray in all. A trainer's share of a GPU stays free, or it would wait for ever."""
        if not self.gpus:
            return {"CPU": 1}
        return {"GPU": self.gpus if self.gpus > 1 else round(self.gpus * (1 - TRAINER_GPU), 4)}

    def environment(self) -> dict[str, str]:
        """Environment of the engine's actor."""
        offline = os.environ.get("HF_HUB_OFFLINE", "1")
        common = {TIED: "1", "HF_HUB_OFFLINE": offline, "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
        common |= self.decoding.environment()
        if self.platform == "gpu":
            return common
        return common | {
            "VLLM_CPU_KVCACHE_SPACE": str(self.kv_cache_gb),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": str(os.cpu_count() or 1),
            **PATIENT_THREADS,
        }


def plan_engines(job: Job, gpus: int) -> EngineSpec | ServerSpec:
    """What a job's engines are started with. Raises UserError."""
    if job.model_folder is None:
        return plan_server(job)
    return plan_engine(job.config, job.model_folder, job.model_hash, gpus, job.adapters, len(job.shown.labels))


def on_this_node(spec: EngineSpec) -> EngineSpec:
    """The spec with the folder that the model has on an engine's own machine, fetched there once if need be.

    Raises UserError naming the machine when it has none.
    """
    if not spec.merged and (spec.model.startswith("embedded:") or is_remote(spec.model)):
        return replace(spec, folder=str(resolve_model(spec.model)))
    if not Path(spec.folder, "config.json").is_file():
        host = socket.gethostname()
        raise UserError(f"model: {spec.folder} is not on {host}; put it at the same path on every node, or at a URI")
    return spec


def plan_engine(
    config: TaskConfig,
    folder: Path,
    model_hash: str,
    gpus: int,
    adapters: Mapping[str, Adapter] = NO_ADAPTERS,
    labels: int | None = None,
) -> EngineSpec:
    """The engine for this machine, or for a cluster with so many GPUs; `adapters` are those of labels.

    `labels` is how many are asked for, None: as many as the task has; a task of several labels a text asks for sets.
    Raises UserError when memory or GPUs do not suffice; on a cluster the nodes that will host engines may not be there
    yet.
    """
    runtime = config.runtime
    on_gpu = bool(gpus) if runtime.device == "auto" else runtime.device == "gpu"
    world = runtime.tensor_parallel * runtime.pipeline_parallel
    if world > 1 and not on_gpu:
        raise UserError(
            f"runtime.tensor_parallel: an engine over {world} GPUs needs GPUs; there are none in reach "
            "(runtime.device gpu: an autoscaler will bring them)"
        )
    spec = EngineSpec(
        model=config.model,
        folder=str(folder),
        model_hash=model_hash,
        platform="gpu" if on_gpu else "cpu",
        max_num_seqs=runtime.max_num_seqs,
        max_model_len=runtime.max_model_len,
        kv_cache_gb=runtime.kv_cache_gb or default_kv_cache_gb(),
        gpu_memory=runtime.gpu_memory,
        gpus=(world if world > 1 else runtime.gpus_per_engine) if on_gpu else 0,
        commit_rows=runtime.commit_rows,
        commit_seconds=runtime.commit_seconds,
        hang_seconds=runtime.hang_seconds,
        kind=make_kind(config.kind, (label.name for label in config.labels)),
        **_adapter_settings(config, adapters, on_gpu, len(config.labels) if labels is None else labels),
        tensor_parallel=runtime.tensor_parallel,
        pipeline_parallel=runtime.pipeline_parallel,
        nodes=runtime.nodes_per_engine,
        quantization=runtime.quantization,
        sleep=runtime.sleep and on_gpu,
        node_seconds=runtime.node_seconds if runtime.address else 0,
        decoding=Decoding.of(config.generation),
    )
    needed = runtime.engines * spec.gpus
    if runtime.max_gpus is not None and needed > runtime.max_gpus:
        raise UserError(
            f"runtime.max_gpus: {runtime.engines} engine(s) need {needed:g} GPUs; got {runtime.max_gpus}; "
            "raise it or lower runtime.engines"
        )
    if runtime.address is not None:
        return spec
    if spec.platform == "cpu":
        _check_memory(spec, runtime.engines, free_memory())
    elif needed > gpus:
        raise UserError(
            f"runtime.engines: {runtime.engines} engine(s) need {needed:g} GPUs, this machine has {gpus}; lower "
            "runtime.engines or runtime.gpus_per_engine"
        )
    return spec


def _adapter_settings(config: TaskConfig, adapters: Mapping[str, Adapter], on_gpu: bool, labels: int) -> dict[str, Any]:
    """Fields of EngineSpec for the adapters of so many labels. Raises UserError when they cannot be merged."""
    different = {each.id: each for each in adapters.values()}
    ranks = [each.rank for each in different.values() if each.kind == "lora"]
    merged, can_be = "", len(adapters) == labels and len(different) == 1 and bool(ranks)
    if config.runtime.merge_lora or (config.runtime.merge_lora is None and can_be and not on_gpu):
        if not can_be and not METHODS[config.generation.method].adapting:
            raise UserError(
                "runtime.merge_lora: all labels must use one and the same LoRA (generation.adapters); got "
                f"{len(ranks)} LoRA(s), {len(different) - len(ranks)} soft prompt(s) and "
                f"{labels - len(adapters)} label(s) without an adapter"
            )
        merged, ranks = (next(iter(different)), []) if can_be else ("", ranks)
    settings: dict[str, Any] = {"adapters": tuple(different[key] for key in sorted(different)), "merged": merged}
    if ranks:
        room = config.runtime.max_lora_rank or engine_rank(max(ranks))
        settings |= {"max_loras": min(config.runtime.max_loras, len(ranks)), "max_lora_rank": room}
    return settings


def most_engines(config: TaskConfig, spec: EngineSpec | ServerSpec) -> int:
    """How many engines may run at once: `max_engines`, as far as `max_gpus` goes."""
    runtime = config.runtime
    most = runtime.max_engines or runtime.engines
    if runtime.max_gpus is None or not spec.gpus:
        return most
    return max(runtime.engines, min(most, int(runtime.max_gpus / spec.gpus)))


def trainer_gpu(spec: EngineSpec | ServerSpec, engines: int, gpus: int, workers: int) -> float:
    """GPUs for each training worker: a whole one where enough are left, else a share beside an engine, else none.

    Two workers cannot share one GPU (NCCL refuses), and engines of several GPUs leave no share.
    """
    if gpus - engines * spec.gpus >= workers:
        return 1.0
    return TRAINER_GPU if 0 < spec.gpus <= 1 and workers == 1 else 0.0


def default_kv_cache_gb() -> int:
    """A tenth of free memory in whole GiB, from 1 to 4: room for hundreds of short sequences of a small model."""
    return min(4, max(1, int(free_memory() / 10)))


def _check_memory(spec: EngineSpec, engines: int, free: float) -> None:
    weights = sum(path.stat().st_size for path in Path(spec.folder).glob("*.safetensors")) / GIB
    each = weights + spec.kv_cache_gb + OVERHEAD_GB
    if each * engines > free:
        parts = f"{weights:.1f} weights + {spec.kv_cache_gb} KV cache + {OVERHEAD_GB} overhead"
        raise UserError(
            f"runtime.engines: {engines} engine(s) need {each * engines:.1f} GiB ({parts} each), {free:.1f} GiB are "
            "free; lower runtime.kv_cache_gb or runtime.engines, or take a smaller model"
        )

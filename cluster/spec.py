"""What an engine is started with: plain values that travel to its actor."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.config import TaskConfig
from cluster.job import Job, gpu_count
from cluster.machine import GIB, free_memory
from cluster.server_spec import ServerSpec, plan_server
from cluster.tie import TIED
from generation.errors import UserError
from generation.tokens import BLOCK

# what an engine's processes take beside weights and KV cache, measured as proportional set size on the CPU build
OVERHEAD_GB = 2.5


@dataclass(frozen=True)
class EngineSpec:
    """An engine's model and limits. `platform` is "cpu" or "gpu"."""

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

    def engine_args(self) -> dict[str, Any]:
        """Arguments of vLLM's AsyncEngineArgs. Both scheduler limits are set: its defaults are small."""
        common = {
            "model": self.folder,
            "max_model_len": self.max_model_len,
            "max_num_seqs": self.max_num_seqs,
            "enable_prefix_caching": True,
            "enable_log_requests": False,
            "disable_log_stats": True,
            "distributed_executor_backend": "mp",
            "generation_config": "vllm",  # the model's own defaults must not change our sampling
            "trust_remote_code": False,
        }
        if self.platform == "gpu":
            limit = max(16384, self.max_model_len)
            return common | {"max_num_batched_tokens": limit, "gpu_memory_utilization": self.gpu_memory}
        return common | {
            "dtype": "bfloat16",
            "enforce_eager": True,
            # seeded sampling with chunked prefill ends the CPU engine ("CPU Generator does not use offset")
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": max(4096, self.max_model_len),
            "block_size": BLOCK,
        }

    def resources(self) -> dict[str, float]:
        """What an engine's actor asks of Ray."""
        return {"GPU": self.gpus} if self.gpus else {"CPU": 1}

    def environment(self) -> dict[str, str]:
        """Environment of the engine's actor."""
        common = {TIED: "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
        if self.platform == "gpu":
            return common
        return common | {
            "VLLM_CPU_KVCACHE_SPACE": str(self.kv_cache_gb),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": str(os.cpu_count() or 1),
            # threads that spin while they wait starve the trainer on the same cores
            "OMP_WAIT_POLICY": "PASSIVE",
            "KMP_BLOCKTIME": "0",
        }


def plan_engines(job: Job) -> EngineSpec | ServerSpec:
    """What a job's engines are started with. Raises UserError."""
    if job.model_folder is None:
        return plan_server(job)
    return plan_engine(job.config, job.model_folder, job.model_hash, gpu_count())


def plan_engine(config: TaskConfig, folder: Path, model_hash: str, gpus: int) -> EngineSpec:
    """The engine for this machine. Raises UserError when its memory or its GPUs do not suffice."""
    runtime = config.runtime
    spec = EngineSpec(
        model=config.model,
        folder=str(folder),
        model_hash=model_hash,
        platform="gpu" if gpus else "cpu",
        max_num_seqs=runtime.max_num_seqs,
        max_model_len=runtime.max_model_len,
        kv_cache_gb=runtime.kv_cache_gb or default_kv_cache_gb(),
        gpu_memory=runtime.gpu_memory,
        gpus=runtime.gpus_per_engine if gpus else 0,
        commit_rows=runtime.commit_rows,
        commit_seconds=runtime.commit_seconds,
        hang_seconds=runtime.hang_seconds,
    )
    if spec.platform == "cpu":
        _check_memory(spec, runtime.engines, free_memory())
    elif runtime.address is None and (needed := runtime.engines * spec.gpus) > gpus:
        raise UserError(
            f"runtime.engines: {runtime.engines} engine(s) need {needed:g} GPUs, this machine has {gpus}; lower "
            "runtime.engines or runtime.gpus_per_engine"
        )
    return spec


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

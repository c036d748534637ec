"""What engines are started with on a CPU and on GPUs, and when they are refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.spec import EngineSpec, default_kv_cache_gb, plan_engine
from generation.errors import UserError
from tests.cluster.cases import config

CPU = EngineSpec("m", "/models/m", "hash", "cpu", 64, 1024, 2, 0.9, 0, 128, 5.0, 300.0)
GPU = replace(CPU, platform="gpu", gpus=1.0)
COMMON = {
    "model": "/models/m",
    "max_model_len": 1024,
    "max_num_seqs": 64,
    "enable_prefix_caching": True,
    "enable_log_requests": False,
    "disable_log_stats": True,
    "distributed_executor_backend": "mp",
    "generation_config": "vllm",
    "trust_remote_code": False,
}


def test_arguments_on_a_cpu() -> None:
    assert CPU.engine_args() == COMMON | {
        "dtype": "bfloat16",
        "enforce_eager": True,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": 4096,
        "block_size": 32,
    }


def test_arguments_on_a_gpu() -> None:
    assert GPU.engine_args() == COMMON | {"max_num_batched_tokens": 16384, "gpu_memory_utilization": 0.9}


@pytest.mark.parametrize("spec", [CPU, GPU])
def test_a_prompt_of_full_length_fits_into_a_batch(spec: EngineSpec) -> None:
    assert replace(spec, max_model_len=40_000).engine_args()["max_num_batched_tokens"] == 40_000


def test_environments() -> None:
    common = {"LABELMILL_TIED": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    common["VLLM_LOGGING_LEVEL"] = "WARNING"
    assert GPU.environment() == common
    assert CPU.environment() == common | {
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(os.cpu_count()),
        "OMP_WAIT_POLICY": "PASSIVE",
        "KMP_BLOCKTIME": "0",
    }


def weights(folder: Path, gib: float = 0) -> Path:
    """A model folder whose weights have a size but take no room."""
    with (folder / "model.safetensors").open("wb") as stream:
        stream.truncate(int(gib * 1024**3))
    return folder


def test_a_spec_for_a_gpu_takes_the_settings(tmp_path: Path) -> None:
    settings = {"gpus_per_engine": 0.5, "engines": 4, "kv_cache_gb": 10**6, "commit_rows": 7, "max_num_seqs": 8}
    spec = plan_engine(config(model="m", runtime=settings), weights(tmp_path), "hash", 2)
    assert spec == EngineSpec("m", str(tmp_path), "hash", "gpu", 8, 1024, 10**6, 0.9, 0.5, 7, 5.0, 300.0)


def test_a_spec_for_a_cpu_takes_no_gpus(tmp_path: Path) -> None:
    spec = plan_engine(config(runtime={"kv_cache_gb": 1, "gpus_per_engine": 4}), weights(tmp_path), "hash", 0)
    assert (spec.platform, spec.gpus, spec.kv_cache_gb) == ("cpu", 0, 1)


def test_default_cache() -> None:
    assert default_kv_cache_gb() in (1, 2, 3, 4)


def test_memory_that_does_not_suffice(tmp_path: Path) -> None:
    settings = {"engines": 3, "kv_cache_gb": 100_000}
    with pytest.raises(UserError) as caught:
        plan_engine(config(runtime=settings), weights(tmp_path, 1.25), "hash", 0)
    before, _, after = str(caught.value).partition("each), ")
    assert before == ("runtime.engines: 3 engine(s) need 300011.2 GiB (1.2 weights + 100000 KV cache + 2.5 overhead ")
    assert after.endswith(" GiB are free; lower runtime.kv_cache_gb or runtime.engines, or take a smaller model")


def test_gpus_that_do_not_suffice(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        plan_engine(config(runtime={"engines": 3, "gpus_per_engine": 0.5}), weights(tmp_path), "hash", 1)
    assert str(caught.value) == (
        "runtime.engines: 3 engine(s) need 1.5 GPUs, this machine has 1; "
        "lower runtime.engines or runtime.gpus_per_engine"
    )


def test_gpus_of_other_machines_are_not_counted(tmp_path: Path) -> None:
    settings = {"engines": 64, "address": "auto"}
    assert plan_engine(config(runtime=settings), weights(tmp_path), "hash", 1).gpus == 1

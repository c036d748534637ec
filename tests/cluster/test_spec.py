"""What engines are started with on a CPU and on GPUs, and when they are refused."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.spec import EngineSpec, default_kv_cache_gb, most_engines, on_this_node, plan_engine, trainer_gpu
from generation.adapters.folder import Adapter
from generation.decoding.processor import CtrlPenalty
from generation.decoding.serving import PLAIN, PROCESSOR
from generation.errors import UserError
from generation.kinds.label import LabelKind
from tests.cluster.cases import config
from tests.generation.cases import make_model

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
        "distributed_executor_backend": "vllm.v1.executor.uniproc_executor.UniProcExecutor",
    }


def test_arguments_on_a_gpu() -> None:
    assert GPU.engine_args() == COMMON | {"max_num_batched_tokens": 16384, "gpu_memory_utilization": 0.9}


def test_arguments_of_a_spread_engine() -> None:
    gpus = {"max_num_batched_tokens": 16384, "gpu_memory_utilization": 0.9}
    node = replace(GPU, gpus=8.0, tensor_parallel=4, pipeline_parallel=2, quantization="fp8", sleep=True)
    spread = {"tensor_parallel_size": 4, "pipeline_parallel_size": 2, "quantization": "fp8", "enable_sleep_mode": True}
    assert node.engine_args() == COMMON | gpus | spread
    assert replace(node, nodes=2).engine_args() == COMMON | gpus | spread | {"distributed_executor_backend": "ray"}


def test_engines_that_share_a_gpu_share_its_memory() -> None:
    half = replace(GPU, gpus=0.5)
    assert half.engine_args()["gpu_memory_utilization"] == 0.45
    assert half.resources() == {"GPU": 0.45}


def test_a_penalty_brings_a_logits_processor_to_engines(tmp_path: Path) -> None:
    settings = {"generation": {"penalty": 1.2}, "runtime": {"kv_cache_gb": 1}}
    spec = plan_engine(config(**settings), weights(tmp_path), "hash", 0)
    plain = replace(spec, decoding=PLAIN)
    module, _, name = PROCESSOR.partition(":")
    assert (module, name) == (CtrlPenalty.__module__, CtrlPenalty.__name__)
    assert spec.engine_args() == plain.engine_args() | {"logits_processors": [PROCESSOR]}
    assert spec.environment() == plain.environment() | {"VLLM_USE_V2_MODEL_RUNNER": "0"}
    assert plan_engine(config(runtime={"kv_cache_gb": 1}), tmp_path, "hash", 0).decoding == PLAIN


def test_banned_strings_have_room_in_engines(tmp_path: Path) -> None:
    settings = {"generation": {"banned": ["cat", "of course"]}, "runtime": {"kv_cache_gb": 1}}
    spec = plan_engine(config(**settings), weights(tmp_path), "hash", 0)
    plain = replace(spec, decoding=PLAIN)
    assert spec.decoding.banned == ("cat", "of course")
    assert spec.engine_args() == plain.engine_args()
    assert spec.environment() == plain.environment() | {"VLLM_MAX_NUM_BAD_WORDS": "16"}


def test_engines_write_compact_json(tmp_path: Path) -> None:
    spec = plan_engine(config(generation={"output": "json"}, runtime={"kv_cache_gb": 1}), weights(tmp_path), "hash", 0)
    args = {"structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True}}
    assert spec.engine_args() == replace(spec, decoding=PLAIN).engine_args() | args


def test_resources() -> None:
    assert CPU.resources() == {"CPU": 1}
    assert GPU.resources() == {"GPU": 0.9}
    assert replace(GPU, gpus=4.0).resources() == {"GPU": 4.0}


@pytest.mark.parametrize(
    ("spec", "engines", "gpus", "workers", "expected"),
    [
        (CPU, 1, 0, 1, 0.0),
        (CPU, 1, 2, 2, 1.0),
        (GPU, 1, 1, 1, 0.1),
        (GPU, 1, 2, 1, 1.0),
        (GPU, 2, 2, 2, 0.0),
        (replace(GPU, gpus=4.0), 1, 4, 1, 0.0),
        (GPU, 1, 0, 1, 0.1),
    ],
)
def test_what_a_trainer_gets(spec: EngineSpec, engines: int, gpus: int, workers: int, expected: float) -> None:
    assert trainer_gpu(spec, engines, gpus, workers) == expected


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
    assert spec == EngineSpec(
        "m", str(tmp_path), "hash", "gpu", 8, 1024, 10**6, 0.9, 0.5, 7, 5.0, 300.0, LabelKind(("pos", "neg"))
    )


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


def test_a_spread_engine(tmp_path: Path) -> None:
    settings = {"tensor_parallel": 2, "pipeline_parallel": 2, "nodes_per_engine": 2, "quantization": "fp8"}
    spec = plan_engine(config(runtime=settings | {"sleep": True}), weights(tmp_path), "hash", 4)
    assert (spec.gpus, spec.world, spec.nodes, spec.quantization, spec.sleep) == (4, 4, 2, "fp8", True)
    assert plan_engine(config(runtime={"sleep": True, "kv_cache_gb": 1}), tmp_path, "hash", 0).sleep is False


@pytest.mark.parametrize(
    ("settings", "gpus", "expected"),
    [
        (
            {"tensor_parallel": 2},
            0,
            "runtime.tensor_parallel: an engine over 2 GPUs needs GPUs; there are none in reach "
            "(runtime.device gpu: an autoscaler will bring them)",
        ),
        (
            {"engines": 3, "max_gpus": 2},
            8,
            "runtime.max_gpus: 3 engine(s) need 3 GPUs; got 2; raise it or lower runtime.engines",
        ),
    ],
)
def test_engines_that_are_refused(tmp_path: Path, settings: dict[str, int], gpus: int, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        plan_engine(config(runtime=settings), weights(tmp_path), "hash", gpus)
    assert str(caught.value) == expected


def test_a_model_is_looked_for_on_the_node(tmp_path: Path) -> None:
    there = replace(CPU, folder=str(make_model(tmp_path / "m")))
    assert on_this_node(there) == there
    by_uri = replace(CPU, model=f"file://{tmp_path}/m", folder="/only/on/the/head")
    assert sorted(path.name for path in Path(on_this_node(by_uri).folder).iterdir()) == sorted(
        path.name for path in (tmp_path / "m").iterdir()
    )
    with pytest.raises(UserError) as caught:
        on_this_node(CPU)
    assert str(caught.value) == (
        f"model: /models/m is not on {socket.gethostname()}; put it at the same path on every node, or at a URI"
    )


def test_the_device_is_what_the_user_says(tmp_path: Path) -> None:
    here = {"device": "gpu", "address": "auto"}
    assert plan_engine(config(runtime=here), weights(tmp_path), "hash", 0).platform == "gpu"
    assert plan_engine(config(runtime={"device": "cpu", "kv_cache_gb": 1}), tmp_path, "hash", 4).platform == "cpu"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 1),
        ({"engines": 2, "max_engines": 5}, 5),
        ({"max_engines": 9, "max_gpus": 3}, 3),
        ({"engines": 2, "max_gpus": 8}, 2),
    ],
)
def test_most_engines(tmp_path: Path, settings: dict[str, int], expected: int) -> None:
    task = config(runtime=settings)
    assert most_engines(task, plan_engine(task, weights(tmp_path), "hash", 8)) == expected


def test_gpus_of_other_machines_are_not_counted(tmp_path: Path) -> None:
    settings = {"engines": 64, "address": "auto"}
    assert plan_engine(config(runtime=settings), weights(tmp_path), "hash", 1).gpus == 1


NARROW = Adapter("1", "/a/narrow", "lora", rank=4, modules=("q_proj", "v_proj"))
BROAD = Adapter("2", "/a/broad", "lora", rank=20, modules=("down_proj", "q_proj"))
SOFT = Adapter("3", "/a/soft", "soft_prompt", tokens=5)
ADAPTER_ARGS = ("enable_lora", "max_loras", "max_lora_rank", "max_cpu_loras", "lora_target_modules")


def with_adapters(folder: Path, adapters: dict[str, Adapter], **runtime: object) -> EngineSpec:
    task = config(runtime={"kv_cache_gb": 1, **runtime})
    return plan_engine(task, weights(folder), "hash", 0, adapters)


def adapter_args(spec: EngineSpec) -> list[object]:
    args = spec.engine_args()
    return [args.get(name) for name in (*ADAPTER_ARGS, "enable_prompt_embeds")]


def test_an_engine_without_adapters_pays_for_none(tmp_path: Path) -> None:
    spec = with_adapters(tmp_path, {})
    assert adapter_args(spec) == [None] * 6
    assert (spec.adapters, spec.max_loras, spec.merged) == ((), 0, "")


def test_an_engine_has_room_for_the_runs_loras(tmp_path: Path) -> None:
    modules = ["down_proj", "q_proj", "v_proj"]
    both = {"pos": BROAD, "neg": NARROW}
    assert adapter_args(with_adapters(tmp_path, both)) == [True, 2, 32, 2, modules, None]
    assert adapter_args(with_adapters(tmp_path, both, max_loras=1, max_lora_rank=64)) == [True, 1, 64, 2, modules, None]
    one = {"pos": NARROW, "neg": NARROW}
    assert adapter_args(with_adapters(tmp_path, one, merge_lora=False)) == [True, 1, 8, 1, ["q_proj", "v_proj"], None]


def test_soft_prompts_need_no_room_for_loras(tmp_path: Path) -> None:
    assert adapter_args(with_adapters(tmp_path, {"pos": SOFT})) == [None] * 5 + [True]
    mixed = adapter_args(with_adapters(tmp_path, {"pos": SOFT, "neg": NARROW}))
    assert mixed == [True, 1, 8, 1, ["q_proj", "v_proj"], True]


def test_a_merged_lora_is_asked_for_by_nobody(tmp_path: Path) -> None:
    spec = with_adapters(tmp_path, {"pos": BROAD, "neg": BROAD}, merge_lora=True)
    assert (spec.merged, spec.adapters, spec.loras, spec.max_loras) == ("2", (BROAD,), (), 0)
    assert adapter_args(spec) == [None] * 6


def test_a_lora_is_merged_only_if_all_that_is_asked_for_has_it(tmp_path: Path) -> None:
    both, settings = {"pos": BROAD, "neg": BROAD}, config(runtime={"kv_cache_gb": 1})
    specs = [plan_engine(settings, weights(tmp_path), "hash", 0, both, labels) for labels in (None, 2, 3)]
    assert [spec.merged for spec in specs] == ["2", "2", ""]


@pytest.mark.parametrize(
    ("adapters", "got"),
    [
        ({}, "0 LoRA(s), 0 soft prompt(s) and 2 label(s) without an adapter"),
        ({"pos": BROAD}, "1 LoRA(s), 0 soft prompt(s) and 1 label(s) without an adapter"),
        ({"pos": BROAD, "neg": NARROW}, "2 LoRA(s), 0 soft prompt(s) and 0 label(s) without an adapter"),
        ({"pos": SOFT, "neg": SOFT}, "0 LoRA(s), 1 soft prompt(s) and 0 label(s) without an adapter"),
    ],
)
def test_only_one_lora_of_all_labels_can_be_merged(tmp_path: Path, adapters: dict[str, Adapter], got: str) -> None:
    with pytest.raises(UserError) as caught:
        with_adapters(tmp_path, adapters, merge_lora=True)
    assert str(caught.value) == (
        f"runtime.merge_lora: all labels must use one and the same LoRA (generation.adapters); got {got}"
    )

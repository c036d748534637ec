"""Why an engine did not start: from what vLLM and those below it really say to the setting to change."""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.startup import StartError, hint, root_cause, start_error, turn_on_gpu
from generation.errors import Fault, UserError
from tests.cluster.test_spec import CPU, GPU

ROOT = Path(__file__).parents[2]
# lines as vLLM 0.32 writes them, with the marks of its log
MARK = "(EngineCore pid=10713) ERROR 11-24 20:03:38 [v1/engine/core.py:1136] "
LOST = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}"
KILLED = LOST.replace("1}", "-9}")
NO_CACHE = (
    "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing"
)
TOO_LONG = (
    "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, "
    "which is larger than the available KV cache memory (3.21 GiB). Based on the available memory, the estimated "
    "maximum model length is 26272. Try increasing `gpu_memory_utilization`"
)
BEYOND = (
    "  Value error, User-specified max_model_len (9000) is greater than the derived max_model_len "
    "(max_position_embeddings=8192.0 or model_max_length=None in model's config.json)."
)
TAKEN = (
    "ValueError: Free memory on device cuda:0 (11.2/79.11 GiB) on startup is less than desired GPU memory utilization "
    "(0.9, 71.2 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes."
)
CPU_CACHE = (
    "ValueError: Available memory on node 0 (14.1/24.0 GiB) on kv cache allocation is less than requested memory for "
    "kv (100.0 GiB). Decrease --kv-cache-memory-bytes, VLLM_CPU_KVCACHE_SPACE, or reduce CPU memory used by others."
)
CUDA = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB. GPU 0 has a total capacity of 22.05 GiB"
)
HEADS = "Total number of attention heads (9) must be divisible by tensor parallel size (2)."
QUANT = (
    "Quantization method specified in the model config (awq) does not match the quantization method specified in the "
    "`quantization` argument (fp8)."
)
NO_WEIGHTS = "RuntimeError: Cannot find any model weights with `/models/m`"
SMALLER = "set runtime.quantization, raise runtime.tensor_parallel or take a smaller model"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            NO_CACHE,
            "runtime.gpu_memory: out of memory: the weights leave none for the KV cache; raise runtime.gpu_memory, "
            + SMALLER,
        ),
        (
            TOO_LONG,
            "runtime.max_model_len: a context of 131072 tokens needs 16.0 GiB of KV cache, 3.21 GiB are left; lower "
            "it, or raise runtime.gpu_memory",
        ),
        (BEYOND, "runtime.max_model_len: must be at most 8192, the model's own context; got 9000"),
        (
            TAKEN,
            "runtime.gpu_memory: out of memory: an engine wants 71.2 GiB of its GPU, 11.2 of 79.11 GiB are free; lower "
            "it or runtime.engines, or end what else is on that GPU",
        ),
        (
            CPU_CACHE,
            "runtime.kv_cache_gb: out of memory: an engine wants 100.0 GiB for its KV cache, 14.1 GiB are free; lower "
            "it or runtime.engines",
        ),
        (CUDA, f"model: out of memory while loading; {SMALLER}"),
        (HEADS, "runtime.tensor_parallel: must divide the model's 9 attention heads; got 2"),
        (QUANT, "runtime.quantization: must be awq, as the model's weights are, or left out; got fp8"),
        (NO_WEIGHTS, "model: not found on an engine's node (/models/m); put it at the same path on every node"),
        (
            "OSError: Can't load the configuration of '/models/m'. If you were trying to load it from",
            "model: not found on an engine's node (/models/m); put it at the same path on every node",
        ),
        (
            "Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/models/m'. Use `repo_type` argument",
            "model: not found on an engine's node (/models/m); put it at the same path on every node",
        ),
    ],
)
def test_hints(said: str, line: str) -> None:
    log = f"{MARK}Traceback (most recent call last):\n{MARK}{said}\n{LOST}\n"
    assert hint(log, gpu=True) == line
    assert str(start_error("e0", StartError(log), GPU)) == line
    assert isinstance(start_error("e0", StartError(log), GPU), UserError)


def test_a_killed_core_is_taken_for_one_without_memory() -> None:
    line = "model: out of memory while loading; lower runtime.kv_cache_gb or runtime.engines, or take a smaller model"
    assert str(start_error("e0", StartError(KILLED), CPU)) == line


def test_what_no_setting_mends_is_a_fault_with_its_first_cause() -> None:
    log = f"{MARK}Traceback (most recent call last):\n{MARK}ImportError: libfoo.so.1: no such file\n{LOST}"
    error = start_error("d0001-e000-i000", StartError(log), replace(GPU, tensor_parallel=2))
    assert isinstance(error, Fault)
    assert str(error) == "engine d0001-e000-i000 could not start: ImportError: libfoo.so.1: no such file"


def test_the_last_line_without_an_error() -> None:
    assert root_cause("one\ntwo\n") == "two"
    assert root_cause("") == "it said nothing"


def test_a_mistake_of_the_users_stays_one() -> None:
    error = UserError("model: is not here")
    assert start_error("e0", error, CPU) is error


def test_what_children_write_is_overheard_and_passed_on(tmp_path: Path) -> None:
    script = (
        "import pathlib, subprocess, sys; from cluster.startup import Overheard; said = Overheard();"
        "subprocess.run(['sh', '-c', 'echo out; echo err >&2']);"
        "pathlib.Path(sys.argv[1]).write_text(' '.join(sorted(said.text().split())))"
    )
    run = subprocess.run([sys.executable, "-c", script, tmp_path / "said"], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr, (tmp_path / "said").read_text()) == ("out\n", "err\n", "err out")


def test_a_real_engine_core_without_memory_names_the_setting(tmp_path: Path) -> None:
    """Its reason is on the standard output of another process; ours raises that all is lost."""
    script = (
        "import os, pathlib, sys; from dataclasses import replace\n"
        "from cluster.job import prepare; from cluster.spec import plan_engine\n"
        "from cluster.startup import StartError, load_engine, start_error\n"
        "job = prepare(pathlib.Path('tests/tiny/task.yaml'))\n"
        "spec = replace(plan_engine(job.config, job.model_folder, job.model_hash, 0), kv_cache_gb=100_000)\n"
        "os.environ.update(spec.environment())\n"
        "try: load_engine(spec, [])\n"
        "except StartError as error:\n"
        "    pathlib.Path(sys.argv[1]).write_text(str(start_error('e0', error, spec)))\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "said"], cwd=ROOT, check=True, capture_output=True)
    assert re.fullmatch(
        r"runtime.kv_cache_gb: out of memory: an engine wants 100000.0 GiB for its KV cache, [\d.]+ GiB are "
        "free; lower it or runtime.engines",
        (tmp_path / "said").read_text(),
    )


def test_engines_that_share_a_gpu_load_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LABELMILL_CACHE", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    half, inside = replace(GPU, gpus=0.5), threading.Event()

    def load() -> None:
        with turn_on_gpu(half):
            inside.set()

    with turn_on_gpu(half):
        other = threading.Thread(target=load)
        other.start()
        core = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))  # it outlives the loading
        core.start()
        assert not inside.wait(0.2)
        with turn_on_gpu(GPU), turn_on_gpu(CPU):  # they have theirs alone
            pass
    other.join(10)
    assert inside.is_set()
    core.terminate()
    core.join()

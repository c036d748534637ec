"""What this machine offers: GPUs, memory, cores and disk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

GIB = 1024**3
_QUERY = ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU; memory in GiB, None where the driver does not tell."""

    name: str
    total: float | None
    free: float | None


def gpus(timeout: float = 2.0) -> list[Gpu]:
    """What nvidia-smi reports; [] where there is none. Raises OSError or SubprocessError when it fails or hangs."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    run = subprocess.run([program, *_QUERY], capture_output=True, text=True, timeout=timeout, check=True)
    return parse_gpus(run.stdout)


def parse_gpus(text: str) -> list[Gpu]:
    """GPUs of nvidia-smi's CSV of name, total and free memory in MiB."""
    rows = [line.rsplit(",", 2) for line in text.splitlines() if line.count(",") >= 2]
    return [Gpu(name.strip(), _gib(total), _gib(free)) for name, total, free in rows]


def _gib(mebibytes: str) -> float | None:
    return round(int(mebibytes) / 1024, 1) if mebibytes.strip().isdigit() else None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def vector_units(cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Which of AVX2, AVX512, AVX512_BF16 and AMX the processor has; [] where it does not tell."""
    if not cpuinfo.is_file():
        return []
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo.read_text(errors="replace"), re.MULTILINE)
    present = set(flags.group(1).split()) if flags else set()
    wanted = {"AVX2": "avx2", "AVX512": "avx512f", "AVX512_BF16": "avx512_bf16", "AMX": "amx_tile"}
    return [name for name, flag in wanted.items() if flag in present]


def free_memory() -> float:
    """GiB that this process may still take: the machine's, or its container's when that is less."""
    free = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # files read once are counted as used, and given up when memory is wanted
        free = min(free, max(limit - used + int(stat.get("inactive_file", 0)), 0))
    except (OSError, ValueError):  # no limit ("max") or no cgroup
        pass
    return free / GIB


def existing(folder: Path) -> Path:
    """The folder itself, or the nearest parent that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def free_disk(folder: Path) -> float:
    """GiB free where a folder lies or would lie."""
    return shutil.disk_usage(existing(folder)).free / GIB

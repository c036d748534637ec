"""What the machine offers: real cores, a device, fast bf16."""

from __future__ import annotations

import os

import psutil
import torch
import transformers

CPU = torch.device("cpu")


def prepare_process(processes: int = 1) -> int:
    """Give torch this process's share of the real cores (Ray sets OMP_NUM_THREADS=1) and return it.

    Also silences transformers, which reports every new classification head as a missing weight.
    """
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    usable = min(len(os.sched_getaffinity(0)), psutil.cpu_count(logical=False) or 1)
    threads = max(1, usable // processes)
    torch.set_num_threads(threads)
    return threads


def best_device() -> torch.device:
    """A GPU that this process sees, else the CPU. Only for those who were given one: others may see it too."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision(device: torch.device, dtype: torch.dtype | None = None) -> torch.autocast:
    """bf16 autocast where the hardware multiplies it natively, or where `dtype` says so; else it changes nothing."""
    return torch.autocast(device.type, torch.bfloat16, enabled=(dtype or dtype_of(device)) == torch.bfloat16)


def dtype_of(device: torch.device) -> torch.dtype:
    """What a frozen model is kept and computed in."""
    return torch.bfloat16 if bf16_is_native(device) else torch.float32


def memory_of(device: torch.device) -> int:
    """Bytes of a GPU, or of this process's share of the machine, where a worker group says how many share it."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def bf16_is_native(device: torch.device) -> bool:
    """Whether the hardware multiplies bf16 itself."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    offered = torch.cpu.get_capabilities()
    return bool(offered.get("avx512_bf16") or offered.get("amx_bf16"))

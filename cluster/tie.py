"""Ties vLLM's own processes to the process that started them.

vLLM's engine core is a process of its own without a parent-death signal: it would outlive a killed actor and hold
its memory. vLLM loads every `vllm.general_plugins` entry point in each of its processes, which is where this runs.
"""

from __future__ import annotations

import multiprocessing
import os
import threading

TIED = "LABELMILL_TIED"  # set in the environment of our engine actors, so that other users of vLLM are left alone

_watched: list[int] = []


def tie_to_parent() -> None:
    """End this process as soon as the process that spawned it has ended. Safe to call often."""
    parent = multiprocessing.parent_process()
    if os.environ.get(TIED) != "1" or parent is None or os.getpid() in _watched:
        return
    _watched.append(os.getpid())

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, name="labelmill-tie", daemon=True).start()

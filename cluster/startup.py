"""Why an engine could not start, in one line with the setting to change.

What vLLM raises says only that its engine core failed; the reason is on that process's standard streams.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from generation.errors import Fault, UserError
from generation.fetch import locked
from generation.models import cache_dir

if TYPE_CHECKING:
    from cluster.server_spec import ServerSpec
    from cluster.spec import EngineSpec

LINES = 400  # of an engine's output that are kept
LAST_WORDS = 0.5  # seconds until the last lines of a dead process have been read


class StartError(Exception):
    """An engine did not start; the text is its exception and all that its processes have last said."""


class Overheard:
    """Keeps the last lines that this process and those it starts write to their standard streams, and passes all on.

    For the life of the process: children go on writing to the pipes.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LINES)
        for descriptor in (1, 2):
            real = os.dup(descriptor)
            reading, writing = os.pipe()
            os.dup2(writing, descriptor)
            os.close(writing)
            threading.Thread(target=self._pass_on, args=(reading, real), daemon=True).start()

    def _pass_on(self, reading: int, real: int) -> None:
        with os.fdopen(reading, "rb") as stream:
            for line in stream:
                self._lines.append(line.decode(errors="replace"))
                os.write(real, line)

    def text(self) -> str:
        """The last lines."""
        time.sleep(LAST_WORDS)
        return "".join(list(self._lines))


def load_engine(spec: EngineSpec, stat_loggers: list[Any]) -> Any:
    """vLLM's AsyncLLM. Raises StartError."""
    said = Overheard()
    try:
        from vllm import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        with turn_on_gpu(spec):
            return AsyncLLM.from_engine_args(AsyncEngineArgs(**spec.engine_args()), stat_loggers=stat_loggers)
    except Exception as error:
        raise StartError(f"{said.text()}\n{type(error).__name__}: {error}") from None


@contextmanager
def turn_on_gpu(spec: EngineSpec) -> Iterator[None]:
    """Engines that share a GPU load one after another.

    vLLM sizes its KV cache by what the whole GPU has less after a trial step than before, so what another engine takes
    meanwhile would count as its own.
    """
    if not 0 < spec.gpus < 1:
        yield
        return
    name = f"{socket.gethostname()}-gpu-{os.environ.get('CUDA_VISIBLE_DEVICES', '')}.lock"
    with locked(cache_dir() / name):
        yield


def start_error(name: object, error: BaseException, spec: EngineSpec | ServerSpec) -> UserError | Fault:
    """What to raise for an engine that did not start: a UserError where a setting mends it."""
    if isinstance(error, UserError):
        return error
    if known := hint(text := str(error), spec.platform == "gpu"):
        return UserError(known)
    return Fault(f"engine {name} could not start: {root_cause(text)[:400]}")


def root_cause(text: str) -> str:
    """The first error of a log that names its type, else the last line; without a log's own marks."""
    lines = [line for each in text.splitlines() if (line := re.sub(r"^.*\[\S+:\d+\] ?", "", each).strip())]
    errors = [line for line in lines if re.match(r"(\w+\.)*\w*(Error|Exception|Interrupt): ", line)]
    return (errors or lines[-1:] or ["it said nothing"])[0]


def hint(text: str, gpu: bool) -> str | None:
    """The line for the user, if the reason is one of those that a setting mends."""
    flat = " ".join(re.sub(r"^.*\[\S+:\d+\] ?", "", line) for line in text.splitlines())
    for pattern, advice in _HINTS:
        if found := re.search(pattern, flat):
            memory = "raise runtime.gpu_memory" if gpu else "raise runtime.kv_cache_gb"
            return advice.format(*(group or "" for group in found.groups()), more_cache=memory, smaller=_SMALLER[gpu])
    return None


_SMALLER = {
    True: "set runtime.quantization, raise runtime.tensor_parallel or take a smaller model",
    False: "lower runtime.kv_cache_gb or runtime.engines, or take a smaller model",
}
# the first that matches holds: what names its numbers before what does not
_HINTS = (
    (
        r"max seq len \((\d+)\), \(([\d.]+) GiB KV cache is needed.*?KV cache memory \(([\d.]+) GiB\)",
        "runtime.max_model_len: a context of {0} tokens needs {1} GiB of KV cache, {2} GiB are left; lower it, or "
        "{more_cache}",
    ),
    (
        r"max_model_len \((\d+)\) is greater than the derived max_model_len \(\w+=(\d+)",
        "runtime.max_model_len: must be at most {1}, the model's own context; got {0}",
    ),
    (
        r"No available memory for the cache blocks",
        "runtime.gpu_memory: out of memory: the weights leave none for the KV cache; {more_cache}, {smaller}",
    ),
    (
        r"Free memory on device \S+ \(([\d.]+)/([\d.]+) GiB\) on startup is less than desired GPU memory utilization "
        r"\(([\d.]+), ([\d.]+) GiB\)",
        "runtime.gpu_memory: out of memory: an engine wants {3} GiB of its GPU, {0} of {1} GiB are free; lower it or "
        "runtime.engines, or end what else is on that GPU",
    ),
    (
        r"Available memory on node \S+ \(([\d.]+)/[\d.]+ GiB\) on kv cache allocation is less than requested memory "
        r"for kv \(([\d.]+) GiB\)",
        "runtime.kv_cache_gb: out of memory: an engine wants {1} GiB for its KV cache, {0} GiB are free; lower it or "
        "runtime.engines",
    ),
    (
        r"CUDA out of memory|OutOfMemoryError|can't allocate memory|bad_alloc|running low on memory|"
        r"Failed core proc\(s\): \{[^}]*: -9\b",
        "model: out of memory while loading; {smaller}",
    ),
    (
        r"Total number of attention heads \((\d+)\) must be divisible by tensor parallel size \((\d+)\)",
        "runtime.tensor_parallel: must divide the model's {0} attention heads; got {1}",
    ),
    (
        r"Quantization method specified in the model config \((\S+)\) does not match .*? argument \((\S+)\)",
        "runtime.quantization: must be {0}, as the model's weights are, or left out; got {1}",
    ),
    (r"Unknown quantization method: (\S+?)\. Must", "runtime.quantization: vLLM knows no method {0}"),
    (
        r"(?:Cannot find any model weights with|Can't load the configuration of) [`'](\S+?)[`']|"
        r"Repo id must be in the form .*?'(/\S+?)'\. Use|(\S+) does not appear to have a file named",
        "model: not found on an engine's node ({0}{1}{2}); put it at the same path on every node",
    ),
)

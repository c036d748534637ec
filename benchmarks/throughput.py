"""How fast is the pool, beside what it is made of and what else there is?

    python benchmarks/throughput.py --rounds 5 --rows 600 --json throughput.json     # an hour and a half, estimated
    python benchmarks/throughput.py --rounds 3 --rows 300 --tuning

All contenders answer the same plan with the same model, engine arguments and sampling, each in processes of its own,
one at a time, taking turns; every round has another plan. *steady* is between 20 and 80 % of the tokens, *end to end*
from loading to the last row. Peers get prompts as they are; the pool pads them (docs/runs.md), and
`vllm offline, padded` says what that alone brings. A contender that fails is shown with its error.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from contenders import hf_generate, pool, ray_data, vllm_offline
from contenders.trace import Trace
from contenders.work import SEQUENCES, Work

from cluster.spec import IN_CORE

CONTENDERS: dict[str, Callable[[Work], Trace]] = {
    "vllm offline": lambda work: vllm_offline.run(work, padded=False),
    "vllm offline, padded": lambda work: vllm_offline.run(work, padded=True),
    "ray data, default": lambda work: ray_data.run(work, tuned=False),
    "ray data, tuned": lambda work: ray_data.run(work, tuned=True),
    "transformers": hf_generate.run,
    "labelmill, 1 engine": lambda work: pool.run(work, 1),
    "labelmill, 2 engines": lambda work: pool.run(work, 2),
}
# with --tuning: vLLM's offline engine with the pool's settings for CPUs, and with one of them changed
TUNING: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "as in the pool": ({}, {}),
    "compiled": ({"enforce_eager": False}, {}),
    "threads bound to cores": ({}, {"VLLM_CPU_OMP_THREADS_BIND": "auto"}),
    "the model in a process of its own": ({"distributed_executor_backend": "mp"}, {}),
    "waiting threads spin": ({}, {"OMP_WAIT_POLICY": "ACTIVE", "KMP_BLOCKTIME": "200"}),
    "Intel's OpenMP": ({}, {"LD_PRELOAD": str(Path(sys.prefix) / "lib" / "libiomp5.so")}),
    "64 sequences": ({"max_num_seqs": SEQUENCES // 2}, {}),
    "256 sequences": ({"max_num_seqs": SEQUENCES * 2}, {}),
}
LIMIT_SECONDS = 900
PSS_SECONDS = 15.0  # looking takes time from those that are looked at, the more processes the more


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    rows: Annotated[int, typer.Option(min=16, help="answers in a round")] = 1200,
    only: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(CONTENDERS)}")] = None,
    tuning: Annotated[bool, typer.Option("--tuning", help="an engine with one setting changed at a time")] = False,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    trace: Annotated[Path | None, typer.Option(hidden=True)] = None,
    number: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Let them take turns, print a Markdown table of medians."""
    names = only or list(TUNING if tuning else CONTENDERS)
    if trace is not None:  # a contender's own process
        _answer(names[0], rows, number, trace)
        return
    traces: dict[str, list[tuple[Trace, float]]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            traces[name].append(measure(name, rows, turn))
            done, _ = traces[name][-1]
            print(f"round {turn} {name}: {done.error or f'{done.steady[0]:.0f} tokens/s'}", file=sys.stderr, flush=True)
    if tuning:
        print("| | tokens/s | lowest, highest | ready, s |\n| --- | ---: | ---: | ---: |")
        for name in names:
            print(f"| {name} | {short_line([each for each, _ in traces[name]])} |")
    else:
        print_table(traces)
    if json_file:
        record = {name: [{"peak_pss": pss, **vars(each)} for each, pss in mine] for name, mine in traces.items()}
        json_file.write_text(json.dumps(record) + "\n")


def print_table(traces: dict[str, list[tuple[Trace, float]]]) -> None:
    """All figures of all contenders, in Markdown."""
    print(
        "| | steady tokens/s | rows/s | end to end tokens/s | rows/s | ready, s | row p50, p99, s | busy | PSS, GiB |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, turns in traces.items():
        print(f"| {name} | {line(turns)} |")


def short_line(turns: list[Trace]) -> str:
    """The cells of one setting: tokens a second from first request to last row, and seconds of loading, medians."""
    good = [each for each in turns if each.error is None]
    if not good:
        return f"{turns[0].error} | | "
    speeds = [each.throughout for each in good]
    ready = statistics.median(each.ready_seconds for each in good)
    return f"{statistics.median(speeds):.0f} | {min(speeds):.0f}, {max(speeds):.0f} | {ready:.0f}"


def measure(name: str, rows: int, number: int) -> tuple[Trace, float]:
    """One contender's turn in a process of its own, and the most memory that it and its children had, GiB."""
    with tempfile.TemporaryDirectory(prefix="labelmill-throughput-") as folder:
        file, words = Path(folder) / "trace.json", Path(folder) / "words.txt"
        command = [sys.executable, __file__, "--only", name, "--rows", str(rows), "--number", str(number)]
        with words.open("wb") as sink:
            child = psutil.Popen([*command, "--trace", str(file)], stdout=sink, stderr=subprocess.STDOUT)
            peak, began = 0.0, time.monotonic()
            while child.poll() is None and time.monotonic() - began < LIMIT_SECONDS:
                peak = max(peak, pss(child))
                time.sleep(PSS_SECONDS)
        _end(child)
        if file.is_file():
            return Trace.load(file), peak
        last = [line for line in words.read_text(errors="replace").splitlines() if line.strip()][-1:]
        return Trace(error=last[0][:200] if last else f"exit code {child.returncode}"), peak


def pss(process: psutil.Process) -> float:
    """Proportional set size of a process and all its descendants, GiB."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_full_info().pss
        except psutil.Error:
            continue  # it has just ended
    return total / 2**30


def line(turns: list[tuple[Trace, float]]) -> str:
    """The cells of one contender: medians over its rounds."""
    good = [(each, peak) for each, peak in turns if each.error is None]
    if not good:
        return f"{turns[0][0].error} | | | | | | |"

    def median(figure: Callable[[Trace], float]) -> float:
        return statistics.median(figure(each) for each, _ in good)

    cells = [f"{median(lambda each: each.steady[0]):.0f}", f"{median(lambda each: each.steady[1]):.1f}"]
    cells += [f"{median(lambda each: each.end_to_end[0]):.0f}", f"{median(lambda each: each.end_to_end[1]):.1f}"]
    cells += [f"{median(lambda each: each.ready_seconds):.0f}"]
    if all(each.latencies for each, _ in good):
        cells += [f"{median(lambda each: each.latency(0.5)):.1f}, {median(lambda each: each.latency(0.99)):.1f}"]
    else:
        cells += [""]
    cells += [f"{100 * median(lambda each: each.busy):.0f} %" if all(each.busy for each, _ in good) else ""]
    return " | ".join([*cells, f"{statistics.median(peak for _, peak in good):.1f}"])


def _answer(name: str, rows: int, number: int, file: Path) -> None:
    engines = 2 if name.endswith("2 engines") else 1
    work = Work.make(rows, number, engines)
    if name in TUNING:
        args, environment = TUNING[name]
        vllm_offline.run(work, True, {"distributed_executor_backend": IN_CORE} | args, environment).dump(file)
    else:
        CONTENDERS[name](work).dump(file)


def _end(child: psutil.Popen) -> None:
    """End a contender that outlived its time, children first seen."""
    for each in [*child.children(recursive=True), child] if child.is_running() else []:
        try:
            each.kill()
        except psutil.Error:
            continue
    child.wait()


if __name__ == "__main__":
    typer.run(main)

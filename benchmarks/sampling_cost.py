"""What sampling costs in a step of the CPU engine: vLLM's own kernels on random logits.

python benchmarks/sampling_cost.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Annotated

import torch
import typer
from vllm.platforms import current_platform
from vllm.v1.sample.ops.bad_words import apply_bad_words

from generation.decoding.banned import SPELLINGS
from generation.decoding.penalty import Row, penalise, seen

VOCABULARY = 49_152  # of the embedded LM
MIN_P = 0.05


def main(
    rows: Annotated[int, typer.Option(min=1, help="sequences in a step")] = 128,
    length: Annotated[int, typer.Option(min=1, help="generated tokens in each of them")] = 96,
    turns: Annotated[int, typer.Option(min=1)] = 15,
) -> None:
    """Medians of wall time, milliseconds a step."""
    current_platform.import_kernels()
    logits, seeds = torch.randn(rows, VOCABULARY), torch.randint(0, 2**31, (rows,))
    penalised = {row: Row(1.2, torch.randint(0, VOCABULARY, (length,)).tolist()) for row in range(rows)}
    _penalise(logits, penalised)  # takes all tokens over; from then on a step brings one a row
    banned = torch.randint(0, VOCABULARY, (2 * SPELLINGS, 3)).tolist()  # with and without a space before
    outputs = [row.output for row in penalised.values()]
    parts: dict[str, Callable[[], object]] = {
        "draw, vLLM's fused kernel": lambda: torch.ops._C.fused_gumbel_argmax(logits, seeds),
        "draw, torch's exponential noise": lambda: _draw(logits),
        "min_p": lambda: _min_p(logits),
        f"CTRL's penalty on {length} tokens a row": lambda: _penalise(logits, penalised),
        "a banned string of three tokens": lambda: apply_bad_words(logits, dict.fromkeys(penalised, banned), outputs),
        "logprob of the drawn token": lambda: logits.log_softmax(-1),
    }
    print(f"| {rows} rows, {torch.get_num_threads()} threads | ms |")
    print("| --- | ---: |")
    for name, part in parts.items():
        print(f"| {name} | {1000 * statistics.median(_seconds(part) for _ in range(turns)):.1f} |")


def _draw(logits: torch.Tensor) -> torch.Tensor:
    probabilities = logits.softmax(-1)
    return probabilities.div(torch.empty_like(probabilities).exponential_()).argmax(-1)


def _min_p(logits: torch.Tensor) -> torch.Tensor:
    """As vLLM's own processor does it."""
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < MIN_P * probabilities.amax(-1, keepdim=True), -float("inf"))


def _penalise(logits: torch.Tensor, rows: dict[int, Row]) -> torch.Tensor:
    """A step as our processor does it, in place."""
    for row in rows.values():
        row.output.append(len(row.output))
        row.catch_up()
    return penalise(logits, *seen(rows))


def _seconds(part: Callable[[], object]) -> float:
    began = time.perf_counter()
    part()
    return time.perf_counter() - began


if __name__ == "__main__":
    typer.run(main)

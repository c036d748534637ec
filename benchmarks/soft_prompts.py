"""What a soft prompt costs an engine: the same requests without one, after one, and after as many line breaks.

    python benchmarks/soft_prompts.py --tokens 20 --tokens 8 --rounds 5 --json soft_prompts.json

They take turns in one vLLM engine, started with the arguments of the pool's; the prefix cache is emptied before each.
Prompts are padded to whole blocks of it, as the pool's are, and every answer is LENGTH tokens long, so that ways differ
in nothing else. The soft prompts are random: what they say changes nothing of what they cost.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.job import gpu_count, prepare
from cluster.serving import with_soft_prompt
from cluster.spec import plan_engine
from generation.material import Material
from generation.plan import plan_wave
from generation.tokens import BLOCK

TASK = Path(__file__).parents[1] / "examples" / "support_tickets" / "task.yaml"
LENGTH, SAMPLES = 24, 4
_POOL_ONLY = ("enable_log_requests", "distributed_executor_backend")  # what vLLM's offline class does not take


@dataclass(frozen=True)
class Way:
    """What stands before a prompt: `tokens` of a soft prompt, or of plain line breaks."""

    name: str
    tokens: int

    def prompt(self, ids: list[int], soft: Any, line_break: int) -> dict[str, Any]:
        """As vLLM takes it."""
        padding = [line_break] * ((1 - len(ids) - self.tokens) % BLOCK)
        if self.name == "soft prompt":
            return with_soft_prompt(str(self.tokens), soft[: self.tokens], ids, padding)
        return {"prompt_token_ids": padding + [line_break] * self.tokens + ids}


@dataclass(frozen=True)
class Turn:
    """One way in one round; `cached` is the share of prompt tokens that were not computed anew."""

    way: str
    tokens: int
    tokens_per_second: float
    prompt_tokens: float
    cached: float


def main(
    tokens: Annotated[list[int] | None, typer.Option(help="lengths of soft prompts")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    requests: Annotated[int, typer.Option(min=1, help="per label")] = 8,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Let the ways take turns, print a Markdown table of medians, and of medians of the ratios to the plain prompt."""
    lengths = tokens or [20]
    ways = [Way("plain", 0)] + [Way(name, each) for each in lengths for name in ("soft prompt", "line breaks")]
    job = prepare(TASK)
    spec = plan_engine(job.config, job.model_folder, job.model_hash, gpu_count())
    os.environ.update(spec.environment())
    import torch
    from vllm import LLM

    args = {name: value for name, value in spec.engine_args().items() if name not in _POOL_ONLY}
    llm = LLM(**args, enable_prompt_embeds=True)
    config = llm.llm_engine.model_config
    soft = 0.1 * torch.randn(max(lengths), config.get_hidden_size(), dtype=config.dtype)
    counts = dict.fromkeys(job.task.label_names, requests)
    turns = []
    for number in range(-1, rounds):
        plan = plan_wave(Material(job.task, job.config.generation, f"soft {number}"), job.method, 0, counts)
        turns += [turn(llm, way, plan["prompt"].to_pylist(), soft) for way in ways]
    turns = turns[len(ways) :]  # the first steps are slow
    print(table(ways, turns))
    if json_file:
        json_file.write_text(json.dumps([asdict(each) for each in turns], indent=2) + "\n")


def turn(llm: Any, way: Way, texts: Sequence[str], soft: Any) -> Turn:
    """The prompts, asked one way."""
    from vllm import SamplingParams

    tokenizer = llm.get_tokenizer()
    line_break = tokenizer.encode("\n", add_special_tokens=False)[-1]
    prompts = [way.prompt(tokenizer.encode(text), soft, line_break) for text in texts]
    sampling = SamplingParams(n=SAMPLES, max_tokens=LENGTH, ignore_eos=True, seed=0, logprobs=0)
    llm.reset_prefix_cache()
    began = time.monotonic()
    outputs = llm.generate(prompts, sampling, use_tqdm=False)
    seconds = time.monotonic() - began
    asked = sum(len(each.prompt_token_ids) for each in outputs)
    cached = sum(each.num_cached_tokens or 0 for each in outputs)
    return Turn(way.name, way.tokens, len(outputs) * SAMPLES * LENGTH / seconds, asked / len(outputs), cached / asked)


def table(ways: Sequence[Way], turns: Sequence[Turn]) -> str:
    """Medians, one line a way; turns of a round stand side by side."""
    plain = [each.tokens_per_second for each in turns[:: len(ways)]]
    lines = [
        "| before the prompt | tokens | output tokens/s | to plain | prompt tokens | cached |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for place, way in enumerate(ways):
        mine = turns[place :: len(ways)]
        ratio = statistics.median(each.tokens_per_second / other for each, other in zip(mine, plain, strict=True))
        speed, length, cached = (
            statistics.median(getattr(each, name) for each in mine)
            for name in ("tokens_per_second", "prompt_tokens", "cached")
        )
        lines.append(f"| {way.name} | {way.tokens} | {speed:.0f} | {ratio:.3f} | {length:.0f} | {100 * cached:.0f} % |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)

"""What a shared prompt costs: the same requests padded to whole cache blocks, as they are, and without exemplars.

    python benchmarks/prefix_cache.py --rounds 5 --json prefix_cache.json

The three take turns in one vLLM engine, started with the arguments of the pool's; the cache is emptied before each.
Every round is another plan of the demo's task.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.job import Job, gpu_count, prepare
from cluster.spec import plan_engine
from generation.material import Material
from generation.plan import plan_wave
from generation.records import map_column

TASK = Path(__file__).parents[1] / "examples" / "support_tickets" / "task.yaml"
WAYS = ("padded", "as it is", "no exemplars")
_POOL_ONLY = ("enable_log_requests", "distributed_executor_backend")  # what vLLM's offline class does not take


@dataclass
class Turn:
    """One way in one round; `cached` is the share of prompt tokens that were not computed anew."""

    way: str
    tokens_per_second: float
    rows_per_second: float
    prompt_tokens: float
    cached: float
    mean_logprob: float


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    requests: Annotated[int, typer.Option(min=1, help="per label")] = 12,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Let the three take turns, print a Markdown table of medians."""
    job = prepare(TASK)
    spec = plan_engine(job.config, job.model_folder, job.model_hash, gpu_count())
    os.environ.update(spec.environment())
    from vllm import LLM

    llm = LLM(**{name: value for name, value in spec.engine_args().items() if name not in _POOL_ONLY})
    turn(llm, job, WAYS[-1], -1, 1)  # the first steps are slow
    turns = [turn(llm, job, way, number, requests) for number in range(rounds) for way in WAYS]
    print("| prompts | output tokens/s | rows/s | prompt tokens | cached | mean log-probability |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for way in WAYS:
        mine = [asdict(each) for each in turns if each.way == way]
        tokens, rows, prompt, cached, logprob = (
            statistics.median(each[name] for each in mine) for name in list(mine[0])[1:]
        )
        print(f"| {way} | {tokens:.0f} | {rows:.1f} | {prompt:.0f} | {100 * cached:.0f} % | {logprob:.2f} |")
    if json_file:
        json_file.write_text(json.dumps([asdict(each) for each in turns], indent=2) + "\n")


def turn(llm: Any, job: Job, way: str, number: int, requests: int) -> Turn:
    """One plan, answered one way."""
    settings = job.config.generation
    if way == "no exemplars":
        settings = settings.model_copy(update={"exemplars": 0})
    counts = dict.fromkeys(job.task.label_names, requests)
    plan = plan_wave(Material(job.task, settings, f"prefix {number}"), job.method, 0, counts)
    prompts, sampling = _prompts(llm.get_tokenizer(), plan, way == "padded"), _sampling(job, plan)
    llm.reset_prefix_cache()
    began = time.monotonic()
    outputs = llm.generate(prompts, sampling, use_tqdm=False)
    seconds = time.monotonic() - began
    answers = [answer for output in outputs for answer in output.outputs]
    tokens, asked = sum(len(each.token_ids) for each in answers), sum(len(each.prompt_token_ids) for each in outputs)
    return Turn(
        way,
        tokens / seconds,
        len(answers) / seconds,
        asked / len(outputs),
        sum(each.num_cached_tokens or 0 for each in outputs) / asked,
        sum(each.cumulative_logprob for each in answers) / tokens,
    )


def _prompts(tokenizer: Any, plan: Any, padded: bool) -> list[dict[str, list[int]]]:
    line_break = tokenizer.encode("\n", add_special_tokens=False)[-1]
    rows = zip(plan["prompt"].to_pylist(), plan["padding"].to_pylist(), strict=True)
    return [{"prompt_token_ids": [line_break] * (padding * padded) + tokenizer.encode(text)} for text, padding in rows]


def _sampling(job: Job, plan: Any) -> list[Any]:
    from vllm import SamplingParams

    return [
        SamplingParams(
            n=job.config.generation.samples,
            temperature=each["temperature"],
            min_p=each["min_p"],
            max_tokens=int(each["max_tokens"]),
            seed=int(each["seed"]),
            stop=list(job.method.stop),
            logprobs=0,
        )
        for each in map_column(plan, "sampling")
    ]


if __name__ == "__main__":
    typer.run(main)

"""`labelmill run --dry-run`: what a run will cost, before it starts."""

from __future__ import annotations

import math
from typing import Any

from cluster.config import TaskConfig
from cluster.job import Job, example_prompts, gpu_count
from cluster.top_up import missing_rows
from generation.plan import Yield, requests_for
from generation.tokens import count_tokens

# output tokens per second of one engine; the CPU figure is from benchmarks/demo.py on two cores with the embedded
# LM, the GPU figure a deliberately low guess for a 7B model
CPU_TOKENS_PER_SECOND, GPU_TOKENS_PER_SECOND = 150.0, 2000.0
SERVER_TOKENS_PER_SECOND = 500.0  # a guess
# a text is taken to be as long as the seeds; a shared prompt costs its tokens once per exemplar set
START_SECONDS, DENOISE_SECONDS, TRAIN_SECONDS = 45.0, 20.0, 90.0


def estimate(job: Job) -> dict[str, Any]:
    """Expected figures for all rounds at the prior acceptance rate; `most_tokens` is the budget, if there is one."""
    config = job.config
    rounds = config.rounds
    task = job.shown
    samples = job.method.samples(config.generation)
    missing = missing_rows(config, task)
    even = requests_for(config.quota, Yield(), samples) * len(task.labels) * rounds
    requests = math.ceil(even * missing / (config.quota * len(task.labels) * rounds))
    rows = requests * samples
    prompts = count_tokens(job.model_folder, list(example_prompts(job).values()))
    seeds = count_tokens(job.model_folder, [seed.text for seed in (*task.seeds, *task.dev)])
    asked = 0 if job.method.is_literal else 1
    prompt_tokens = asked * round(requests * sum(prompts) / len(prompts))
    output_tokens = asked * round(rows * sum(seeds) / len(seeds))
    speed = _tokens_per_second(config)
    seconds = START_SECONDS + output_tokens / speed + rounds * (DENOISE_SECONDS + TRAIN_SECONDS)
    return {
        "labels": len(task.labels),
        "quota": config.quota,
        "rounds": rounds,
        "requests": requests,
        "rows": rows,
        "prompt_tokens": prompt_tokens,
        "output_tokens": output_tokens,
        "token_budget": config.token_budget,
        "assumed_acceptance_rate": Yield().rate,
        "assumed_tokens_per_second": speed,
        "minutes": round(seconds / 60, 1),
        **_cost(config, missing, prompt_tokens, output_tokens, seconds),
    }


def _tokens_per_second(config: TaskConfig) -> float:
    """Output tokens of all engines together; a server's own limits are not known, those set for it are."""
    if config.server.url:
        return min(SERVER_TOKENS_PER_SECOND, (config.server.tokens_per_minute or math.inf) / 60)
    return (GPU_TOKENS_PER_SECOND if gpu_count() else CPU_TOKENS_PER_SECOND) * config.runtime.engines


def _cost(config: TaskConfig, rows: int, prompt_tokens: int, output_tokens: int, seconds: float) -> dict[str, Any]:
    """With prices: the cost of all tokens, none of them cached, and of engines that are up all the time.

    `rows` are to be accepted in all.
    """
    prices = config.prices
    if not prices:
        return {}
    cost = prices.of_tokens(prompt_tokens, output_tokens) + prices.of_engines(seconds * config.engines)
    return {
        "cost": round(cost, 4),
        "cost_per_accepted_row": float(f"{cost / rows:.4g}"),
        "cost_budget": config.cost_budget,
    }

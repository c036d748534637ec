"""Ray Data's LLM stage at its defaults, and tuned. It keeps one answer per row, so a request is a row per sample."""

from __future__ import annotations

import os
import time
from typing import Any

from contenders.trace import Trace
from contenders.work import SEQUENCES, Work

TUNED = {"batch_size": 16, "max_concurrent_batches": 2 * SEQUENCES // 16, "max_pending_requests": 2 * SEQUENCES}


def run(work: Work, tuned: bool) -> Trace:
    os.environ.update(work.spec.environment())
    import ray
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    ray.init(num_cpus=6, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = [
        {"tokens": tokens, **sampling, "seed": sampling["seed"] + sample}
        for tokens, sampling, samples in work.requests(padded=False)
        for sample in range(samples)
    ]
    config = vLLMEngineProcessorConfig(
        model_source=work.spec.folder,
        engine_kwargs=work.offline_args(),
        runtime_env={"env_vars": work.spec.environment()},
        # it does not run on a CPU without these three
        log_engine_metrics=False,
        accelerator_type=None,
        placement_group_config={"bundles": [{"CPU": 1}]},
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        **(TUNED if tuned else {}),
    )
    began = time.monotonic()
    dataset = build_processor(config, preprocess=_ask, postprocess=_tell)(ray.data.from_items(rows))
    trace = Trace()
    tokens = count = 0
    given: float | None = None
    for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
        now = time.time()
        given = given if given is not None else min(batch["given"])
        tokens += int(sum(batch["tokens"]))
        count += len(batch["tokens"])
        trace.latencies += [float(each) for each in batch["seconds"]]
        trace.points.append((now - given, tokens, count))
    trace.ready_seconds = time.monotonic() - began - trace.points[-1][0]
    ray.shutdown()
    return trace


def _ask(row: dict[str, Any]) -> dict[str, Any]:
    sampling = {name: row[name] for name in ("temperature", "min_p", "max_tokens", "seed", "logprobs")}
    return {
        "tokenized_prompt": list(row["tokens"]),
        "prompt": "",
        "sampling_params": sampling | {"stop": list(row["stop"])},
    }


def _tell(row: dict[str, Any]) -> dict[str, Any]:
    seconds = row["time_taken_llm"]
    return {"tokens": row["num_generated_tokens"], "seconds": seconds, "given": time.time() - seconds}

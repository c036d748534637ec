"""vLLM's own offline engine, stepped here so that each request's end is seen."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from contenders.trace import Trace
from contenders.work import Work

NOTHING: Mapping[str, Any] = MappingProxyType({})


def run(work: Work, padded: bool, args: Mapping[str, Any] = NOTHING, environment: Mapping[str, str] = NOTHING) -> Trace:
    """`args` and `environment` change the engine's."""
    began = time.monotonic()
    os.environ.update({**work.spec.environment(), **environment})
    from vllm import LLM, SamplingParams
    from vllm.sampling_params import RequestOutputKind

    engine = LLM(**{**work.offline_args(), **args}).llm_engine
    trace = Trace(time.monotonic() - began)
    first = time.monotonic()
    for number, (tokens, sampling, samples) in enumerate(work.requests(padded)):
        params = SamplingParams(n=samples, output_kind=RequestOutputKind.FINAL_ONLY, **sampling)
        engine.add_request(str(number), {"prompt_token_ids": tokens}, params)
    done, rows = 0, 0
    while engine.has_unfinished_requests():
        for output in engine.step():
            done += sum(len(answer.token_ids) for answer in output.outputs)
            rows += len(output.outputs)
            trace.latencies += [time.monotonic() - first] * len(output.outputs)
        trace.points.append((time.monotonic() - first, done, rows))
    return trace

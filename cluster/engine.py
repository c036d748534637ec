"""One vLLM engine in a Ray actor."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster.actor import EngineActor
from cluster.messages import Ready
from cluster.serving import Adapters, Asked, Padding
from cluster.shared import check_seen
from cluster.spec import EngineSpec, on_this_node
from cluster.startup import load_engine
from generation.adapters.mixture import values_of
from generation.decoding.banned import engine_bans
from generation.methods.base import Method
from generation.models import model_hash


class Engine(EngineActor):
    """The actor with vLLM."""

    _spec: EngineSpec

    async def start(self) -> Ready:
        """Load the model, answer one warm-up request (the first step is slow), and be ready."""
        began = time.monotonic()
        check_seen(self._store.root, self._name.epoch)
        os.environ.update(self._spec.environment())
        import ray

        self._spec = await asyncio.to_thread(on_this_node, self._spec)
        self._llm = load_engine(self._spec, [functools.partial(_token_counter(), self._count_tokens)])
        self._adapters = Adapters(self._spec, self._store.root, self._llm, self._count_load)
        loaded = await asyncio.to_thread(model_hash, Path(self._spec.folder))
        self._tokenizer = self._llm.get_tokenizer()
        self._banned = engine_bans(
            self._spec.decoding.banned, functools.partial(self._tokenizer.encode, add_special_tokens=False)
        )
        self._line_break = self._tokenizer.encode("\n", add_special_tokens=False)[-1]
        warm_up = Asked({"prompt_token_ids": self._tokenizer.encode("1. One\n2.")})
        await self._generate("warm-up", warm_up, {"max_tokens": 4, "temperature": 1.0}, 1)
        self._produced = 0
        self._spawn(self._commit_when_due())
        node = ray.get_runtime_context().get_node_id()
        return Ready(self._name, _descendants(), loaded, time.monotonic() - began, node)

    async def sleep(self, asleep: bool) -> None:
        """Give the GPU's memory back, keeping the weights in the host's, or take it again."""
        await (self._llm.sleep(1) if asleep else self._llm.wake_up())

    async def _answer(self, request: dict[str, Any], method: Method) -> None:
        specials = method.form.adds_special_tokens
        tokens = self._tokenizer.encode(request["prompt"], add_special_tokens=specials)
        room = self._spec.max_model_len - int(request["sampling"]["max_tokens"])
        values = values_of(request["label"], request["attributes"])
        padding = Padding(request["padding"], self._line_break, self._tokenizer.bos_token_id, room)
        asked = await self._adapters.ask(request["adapter"], tokens, values, padding)
        output = await self._generate(
            request["request_id"],
            asked,
            request["sampling"],
            request["samples"],
            method.stop,
            schema=method.form.schema,
            choices=request["choices"] or (),
        )
        rows = self._rows(request, output, method)
        self._keep(request["request_id"], rows, len(output.prompt_token_ids), output.num_cached_tokens or 0)

    async def _generate(
        self,
        request_id: str,
        asked: Asked,
        sampling: dict[str, float],
        samples: int,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        choices: Sequence[str] = (),
    ) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            n=samples,
            temperature=sampling["temperature"],
            min_p=sampling.get("min_p", 0.0),
            max_tokens=int(sampling["max_tokens"]),
            seed=int(sampling["seed"]) if "seed" in sampling else None,
            stop=list(stop),
            logprobs=0,  # the drawn token's own, for mean_logprob
            output_kind=RequestOutputKind.FINAL_ONLY,
            **self._banned,
            **self._spec.decoding.params(sampling, schema, choices),
        )
        final = None
        async for output in self._llm.generate(asked.prompt, params, request_id, lora_request=asked.lora):
            final = output
        return final

    def _rows(self, request: dict[str, Any], output: Any, method: Method) -> list[dict[str, Any]]:
        rows = []
        for sample in sorted(output.outputs, key=lambda each: each.index):
            length = len(sample.token_ids)
            told = {
                "finish_reason": sample.finish_reason,
                "prompt_tokens": len(output.prompt_token_ids),
                "output_tokens": length,
                "mean_logprob": sample.cumulative_logprob / length if length else None,
            }
            rows.append(self._row(request, method, sample.index, sample.text, told))
        return rows

    def _count_load(self) -> None:
        self._loaded += 1

    def _count_tokens(self, tokens: int) -> None:
        self._produced += tokens


def _descendants() -> list[int]:
    import psutil

    return [process.pid for process in psutil.Process().children(recursive=True)]


def _token_counter() -> type:
    from vllm.v1.metrics.loggers import StatLoggerBase

    class TokenCounter(StatLoggerBase):
        """Tells the actor of output tokens as they come, so that those of a killed engine can be counted as lost."""

        def __init__(self, count: Any, vllm_config: Any, engine_index: int = 0) -> None:
            self._count = count

        def record(self, scheduler_stats: Any, iteration_stats: Any, *rest: Any, **options: Any) -> None:
            if iteration_stats is not None:
                self._count(iteration_stats.num_generation_tokens)

        def log_engine_initialized(self) -> None:
            pass

    return TokenCounter

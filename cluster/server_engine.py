"""An engine whose texts an OpenAI-compatible server writes; an actor like the one with vLLM.

What can go wrong, and what becomes of it:

- busy (429): the whole engine slows down; the request waits and is asked again;
- unwell (5xx, no connection): the request is asked again after a growing pause;
- no answer, or none that can be read: its tokens may have been charged, so the request goes back to the dispatcher,
  which counts them and gives it out anew if the budget allows;
- a refusal (400, 404, 422): the request is set aside;
- a key or a model that the server does not know: the run ends, the user's to mend.

A request that has used up its tries is set aside if the server answers others, and the run ends if it does not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.actor import EngineActor
from cluster.messages import Ready, Report
from cluster.server_answer import Answer, Choice, UnansweredError
from cluster.server_caller import Caller, DownError
from cluster.server_client import RefusedError, UnusableError
from cluster.server_spec import ServerSpec
from generation.errors import Fault, UserError
from generation.methods.base import Method
from generation.tokens import most_tokens

_PROBE = "1. One\n2."


@dataclass
class _Taken:
    """What a request has so far: a server may draw fewer texts at once than it is asked for."""

    choices: list[Choice] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    estimated: int = 0

    def add(self, answer: Answer) -> None:
        self.choices += answer.choices
        self.lengths += shares(answer.output_tokens, [len(choice.text) for choice in answer.choices])
        self.prompt_tokens += answer.prompt_tokens
        self.cached_tokens += answer.cached_tokens
        self.estimated += answer.tokens if answer.estimated else 0


class ServerEngine(EngineActor):
    """The actor. `start` takes the key, which is nowhere else: not among what Ray keeps of an actor."""

    _spec: ServerSpec

    async def start(self, key: str | None = None) -> Ready:
        """Ask for one word, so that a wrong key or name shows at once; the first report tells."""
        began, method = time.monotonic(), self._method("prompted", self._spec.form)
        self._lost, self._returned = 0, list[str]()
        path = "/chat/completions" if method.form.asks_in_chat else "/completions"
        probe = self._body(method, _PROBE, {"temperature": 1.0, "max_tokens": 1, "seed": 0}, 1)
        self._caller = Caller(self._spec.settings, key, path, probe)
        try:
            await self._caller.greet()
        except RefusedError as error:
            self._fatal = UserError(f"server.url: {self._spec.settings.url} refuses to answer; {error}")
        except (UnusableError, DownError) as error:
            self._end(error)
        self._spawn(self._commit_when_due())
        return Ready(self._name, [], self._spec.model_hash, time.monotonic() - began)

    async def report(self, timeout: float) -> Report:
        """News; before it ends, what has finished is committed."""
        if self._fatal:
            await self._commit()
        told = await super().report(timeout)
        lost, returned = self._lost + self._caller.lost, tuple(self._returned)
        self._lost, self._caller.lost, self._returned = 0, 0, []
        return replace(told, returned=returned, lost=lost)

    async def _answer(self, request: dict[str, Any], method: Method) -> None:
        if self._fatal:
            return
        name, taken = request["request_id"], _Taken()
        try:
            await self._take(request, method, taken)
        except (UnansweredError, RefusedError) as error:
            self._lost += taken.prompt_tokens + sum(taken.lengths)
            if isinstance(error, RefusedError):
                self._caller.forget(name)
                raise
            self._returned.append(name)
            self._news.set()
        except (UnusableError, DownError) as error:
            self._end(error)
        else:
            self._caller.forget(name)
            self._produced += sum(taken.lengths)
            rows = self._rows(request, method, taken)
            self._keep(name, rows, taken.prompt_tokens, taken.cached_tokens, taken.estimated)

    async def _take(self, request: dict[str, Any], method: Method, taken: _Taken) -> None:
        prompt, sampling = request["prompt"], request["sampling"]
        while (missing := request["samples"] - len(taken.choices)) > 0:
            # further texts of the same seed would be the same texts
            seed = (sampling["seed"] + len(taken.choices)) % 2**31
            body = self._body(method, prompt, sampling | {"seed": seed}, missing)
            most = most_tokens(None, [prompt])[0] + body.get("n", 1) * int(sampling["max_tokens"])
            taken.add(await self._caller.ask(request["request_id"], body, most))

    def _body(self, method: Method, prompt: str, sampling: dict[str, float], samples: int) -> dict[str, Any]:
        asked = {"messages": [{"role": "user", "content": prompt}]} if method.form.asks_in_chat else {"prompt": prompt}
        body: dict[str, Any] = asked | {
            "model": self._spec.model,
            "n": samples,
            "max_tokens": int(sampling["max_tokens"]),
            "temperature": sampling["temperature"],
            "seed": int(sampling["seed"]),
            "stop": list(method.stop) or None,
            "response_format": _response_format(method),
        }
        body |= self._spec.settings.extra
        if "max_completion_tokens" in body:  # the newer name, for all but the first question equal to max_tokens
            body["max_completion_tokens"] = int(sampling["max_tokens"])
        return {key: value for key, value in body.items() if value is not None}

    def _end(self, error: Exception) -> None:
        kind = Fault if isinstance(error, DownError) else UserError
        self._fatal = self._fatal or kind(str(error))
        self._news.set()

    def _rows(self, request: dict[str, Any], method: Method, taken: _Taken) -> list[dict[str, Any]]:
        rows = []
        for sample, (choice, length) in enumerate(zip(taken.choices, taken.lengths, strict=True)):
            told = {
                "finish_reason": choice.finish_reason,
                "prompt_tokens": taken.prompt_tokens,
                "output_tokens": length,
                "mean_logprob": None,
            }
            rows.append(self._row(request, method, sample, choice.text, told))
        return rows


def _response_format(method: Method) -> dict[str, Any] | None:
    """How a server is told what an answer must look like; None where that is a text."""
    if method.form.schema is None:
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": method.form.schema}}


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts by weight: servers tell the tokens of all texts of an answer together."""
    whole = sum(weights) or len(weights)
    weights = weights if sum(weights) else [1] * len(weights)
    ends = [total * sum(weights[: index + 1]) // whole for index in range(len(weights))]
    return [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]

"""Adapters in one engine: each is loaded and proved when a request first wants it.

A LoRA travels as vLLM's LoRARequest, a soft prompt as embeddings before the prompt's tokens; requests of all kinds, and
of the base model, may stand in one batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.soft_tokens import SoftTokens, load_soft_tokens
from cluster.spec import EngineSpec
from cluster.store import adapter_folder
from generation.adapters.folder import Adapter, read_adapter, read_probe
from generation.adapters.manifest import TOP, Probe
from generation.adapters.proof import find_fault
from generation.errors import UserError
from generation.location import Location
from training.folders import local_folder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Asked:
    """What vLLM is asked with: a prompt, and the LoRA that it is for."""

    prompt: dict[str, Any]
    lora: Any = None


@dataclass(frozen=True)
class Padding:
    """`count` line breaks to put before a prompt, if they fit into `room` with it: after its begin-of-text token."""

    count: int = 0
    token: int = 0
    begin: int | None = None
    room: int = 0

    def before(self, tokens: list[int]) -> list[int]:
        """The tokens with as many line breaks before them as fit."""
        begin = int(bool(tokens) and tokens[0] == self.begin)
        return tokens[:begin] + [self.token] * min(self.count, self.room - len(tokens)) + tokens[begin:]


NO_PADDING = Padding()


class Adapters:
    """The adapters that an engine serves. `ask` turns a prompt's tokens into what vLLM takes.

    `loaded` is called when one is loaded and proved.
    """

    def __init__(self, spec: EngineSpec, root: Location, llm: Any, loaded: Callable[[], None]) -> None:
        self._spec, self._root, self._llm, self._loaded = spec, root, llm, loaded
        self._known = {adapter.id: adapter for adapter in spec.adapters}
        self._numbers: dict[str, int] = {}
        self._soft: dict[str, SoftTokens] = {}
        self._proofs: dict[str, asyncio.Task[None]] = {}

    async def ask(self, adapter: str, tokens: list[int], values: Sequence[str], padding: Padding) -> Asked:
        """A prompt for an adapter, "" for the base model; `values` are those that a mixture mixes.

        Raises UserError when the adapter fails its proof.
        """
        if not adapter:
            return Asked({"prompt_token_ids": padding.before(tokens)})
        if adapter not in self._proofs:
            self._proofs[adapter] = asyncio.create_task(self._prove(adapter))
        await asyncio.shield(self._proofs[adapter])
        return self._asked(self._known[adapter], tokens, values, padding)

    def _asked(
        self, adapter: Adapter, tokens: list[int], values: Sequence[str] = (), padding: Padding = NO_PADDING
    ) -> Asked:
        """A soft prompt was trained to stand right before its text: line breaks come before both."""
        if adapter.id == self._spec.merged:
            return Asked({"prompt_token_ids": padding.before(tokens)})
        if adapter.kind == "lora":
            return Asked({"prompt_token_ids": padding.before(tokens)}, self._lora_request(adapter))
        soft = self._soft[adapter.id](tokens, values)
        breaks = [padding.token] * max(0, min(padding.count, padding.room - len(soft) - len(tokens)))
        return Asked(with_soft_prompt(adapter.id, soft, tokens, breaks))

    def _lora_request(self, adapter: Adapter) -> Any:
        from vllm.lora.request import LoRARequest

        # the prefix cache tells LoRAs apart by name and path: both hold the content's hash
        number = self._numbers.setdefault(adapter.id, len(self._numbers) + 1)
        return LoRARequest(adapter.id, number, str(self._folder(adapter.id)))

    def _folder(self, adapter: str) -> Path:
        return local_folder(adapter_folder(self._root, adapter))

    async def _prove(self, name: str) -> None:
        """Load an adapter and hold the engine's answers against those that its maker measured."""
        from vllm.v1.engine.exceptions import EngineDeadError

        folder = await asyncio.to_thread(self._folder, name)
        adapter = self._known.setdefault(name, await asyncio.to_thread(_known_as, name, folder))
        try:
            probe = await asyncio.to_thread(_read, folder, adapter)
            if adapter.kind != "lora":
                dtype, base = self._llm.model_config.dtype, Path(self._spec.folder)
                self._soft[name] = await asyncio.to_thread(load_soft_tokens, adapter, folder, base, dtype)
            elif adapter.id != self._spec.merged:
                await self._llm.add_lora(self._lora_request(adapter))
            fault = await self._find_fault(adapter, probe)
        except (UserError, EngineDeadError):  # the one is told as it is, the other is no fault of the adapter's
            raise
        except Exception as error:  # vLLM's many ways to refuse one
            fault = f"cannot be loaded: {' '.join(str(error).split())}"
        if fault is not None:
            raise UserError(f"adapter {adapter.name} ({adapter.id}) {fault}")
        self._loaded()

    async def _find_fault(self, adapter: Adapter, probe: Probe) -> str | None:
        """A merged adapter cannot be taken away to see the base model's answers: the reference has those too."""
        contexts = probe.contexts
        asked = [self._asked(adapter, tokens, probe.values) for tokens in contexts]
        adapted = await self._tops(asked, f"{adapter.id}-proof")
        if adapter.id == self._spec.merged:
            return find_fault(probe, adapted, probe.base)
        plain = await self._tops([Asked({"prompt_token_ids": tokens}) for tokens in contexts], f"{adapter.id}-base")
        return find_fault(probe, adapted, plain)

    async def _tops(self, asked: Sequence[Asked], name: str) -> list[dict[int, float]]:
        return await asyncio.gather(*(self._top(each, f"{name}-{number}") for number, each in enumerate(asked)))

    async def _top(self, asked: Asked, request_id: str) -> dict[int, float]:
        """Logprobs of the likeliest next tokens: a generated token's, since those of a prompt end a CPU engine."""
        from vllm import SamplingParams

        final: Any = None
        params = SamplingParams(temperature=0.0, max_tokens=1, logprobs=TOP)
        async for output in self._llm.generate(asked.prompt, params, request_id, lora_request=asked.lora):
            final = output
        logprobs = final.outputs[0].logprobs[0]
        likeliest = sorted(logprobs, key=lambda token: -logprobs[token].logprob)[:TOP]
        return {token: logprobs[token].logprob for token in likeliest}


def _known_as(name: str, folder: Path) -> Adapter:
    """An adapter that was trained in the run itself, after its engines had been planned."""
    adapter = read_adapter(folder)
    if adapter.id != name:
        raise UserError(f"{folder}: is not the adapter of its name: must be {name}; got {adapter.id}")
    return adapter


def _read(folder: Path, adapter: Adapter) -> Probe:
    if (found := read_adapter(folder).id) != adapter.id:
        raise UserError(f"{folder}: is not the adapter {adapter.name}: must be {adapter.id}; got {found}")
    return read_probe(folder)


def with_soft_prompt(adapter: str, soft: torch.Tensor, tokens: list[int], before: list[int]) -> dict[str, Any]:
    """The soft prompt between the tokens, whose own rows of the embeddings vLLM fills in."""
    import torch

    first, last = (torch.zeros(len(each), soft.shape[1], dtype=soft.dtype) for each in (before, tokens))
    return {
        "prompt_embeds": torch.cat([first, soft, last]),
        "prompt_token_ids": before + [0] * len(soft) + tokens,
        "prompt_is_token_ids": [True] * len(before) + [False] * len(soft) + [True] * len(tokens),
        "cache_salt": adapter,  # the prefix cache does not see which rows are embeddings
    }

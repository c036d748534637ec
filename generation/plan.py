"""What to ask next: how many rows per label, and the requests for them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import pyarrow as pa

from generation.decoding.serving import PENALTY
from generation.material import Material
from generation.methods.base import Method
from generation.prefix import shared_begins
from generation.records import digest, requests_table
from generation.settings import GenerationSettings
from generation.tokens import block_padding, most_tokens

# Beta(6, 4): of a small LM's rows about 60 % are kept (docs/results.md), and ten rows' worth of belief in that
PRIOR_ACCEPTED, PRIOR_REJECTED = 6.0, 4.0
# a label's last plan is met with 98 % probability: a further wave for a row or two costs more than the surplus
CERTAINTY_Z = 2.05


@dataclass(frozen=True)
class Yield:
    """What a label's requests have brought so far, in rows."""

    generated: int = 0
    accepted: int = 0

    @property
    def rate(self) -> float:
        """Posterior mean of the acceptance rate under the Beta prior."""
        kept = PRIOR_ACCEPTED + min(self.accepted, self.generated)
        return kept / (PRIOR_ACCEPTED + PRIOR_REJECTED + self.generated)


def requests_for(missing: int, so_far: Yield, samples: int, surely: bool = True) -> int:
    """Requests of `samples` rows each that bring `missing` accepted rows: with about 98 % probability, or on average.

    The least n with n·p - z·sqrt(n·p·(1-p)) >= missing: a binomial count by its normal approximation.
    """
    if missing <= 0:
        return 0
    rate = so_far.rate
    spread = CERTAINTY_Z * math.sqrt(rate * (1 - rate)) if surely else 0.0
    root = (spread + math.sqrt(spread**2 + 4 * rate * missing)) / (2 * rate)
    return math.ceil(root**2 / samples)


def plan_wave(
    material: Material,
    method: Method,
    wave: int,
    counts: Mapping[str, int],
    temperatures: Mapping[str, float] = MappingProxyType({}),
) -> pa.Table:
    """The requests (REQUEST_SCHEMA) of a wave: `counts` requests per label, each a prompt that the method asks.

    Labels take turns, so that any part of a wave is balanced, and what several answers' prompts begin with is padded
    to whole blocks of the engines' prefix cache. A label that is not among `temperatures` has that of the settings. The
    same arguments give the same table, ids included.
    """
    material = replace(material, wave=wave)
    task, settings = material.task, material.settings
    asks = {
        label.name: method.asks(material, label, counts[label.name])
        for label in task.labels
        if counts.get(label.name, 0)
    }
    shared = {prompt: begin for each in asks.values() for prompt, begin in shared_begins(each).items()}
    answers = Counter(shared[ask.prompt] for each in asks.values() for ask in each)
    texts = list(dict.fromkeys([*shared, *answers]))
    lengths = dict.fromkeys(texts, 0)
    if not method.is_literal:
        lengths = dict(zip(texts, most_tokens(method.model_folder, texts), strict=True))
    repetitions: Counter[str] = Counter()
    rows: list[dict[str, object]] = []
    for turn in range(max(map(len, asks.values()), default=0)):
        for label, each in asks.items():
            if turn >= len(each):
                continue
            ask, adapter = each[turn], material.adapters.get(label) if method.writes else None
            kind = [label, method.name, adapter.id if adapter else "", list(ask.seed_ids), dict(ask.attributes)]
            kind += [ask.text] if ask.text else []
            repetition = repetitions[digest(kind)]
            repetitions[digest(kind)] += 1
            request_id = digest(material.identity, material.round_, wave, *kind, repetition)
            soft = adapter.tokens if adapter else 0
            length, begin, samples = lengths[ask.prompt], shared[ask.prompt], method.samples(settings)
            padding = _padding(method, lengths[begin], soft, samples * answers[begin])
            rows.append(
                {
                    "request_id": request_id,
                    "round": material.round_,
                    "wave": wave,
                    "ordinal": len(rows),
                    "label": label,
                    "method": method.name,
                    "form": method.form.name,
                    "adapter": adapter.id if adapter else "",
                    "seed_ids": list(ask.seed_ids),
                    "attributes": dict(ask.attributes),
                    "repetition": repetition,
                    "samples": samples,
                    "prompt": ask.prompt,
                    "prompt_hash": digest(ask.prompt),
                    "text": ask.text,
                    "choices": list(ask.choices),
                    "padding": padding,
                    "most_tokens": _most_tokens(method, settings, soft + padding + length),
                    "sampling": _sampling(method, settings, request_id, temperatures.get(label, settings.temperature)),
                }
            )
    return requests_table(rows)


def _padding(method: Method, length: int, soft: int, answers: int) -> int:
    """Line breaks that fill blocks together with soft tokens and prompt; they come before both."""
    if method.is_literal or not method.form.may_be_padded:
        return 0
    return block_padding(soft + length, answers)


def _most_tokens(method: Method, settings: GenerationSettings, prompt: int) -> int:
    """A server that draws one text a request is asked, and charges for the prompt, once for each."""
    if method.is_literal:
        return 0
    samples = method.samples(settings)
    asks = samples if method.model_folder is None else 1
    return asks * prompt + samples * settings.max_tokens


def _sampling(method: Method, settings: GenerationSettings, request_id: str, temperature: float) -> dict[str, float]:
    if method.is_literal:
        return {}
    sampling = {
        "temperature": 0.0 if method.is_constrained else temperature,
        "min_p": 0.0 if method.is_constrained else settings.min_p,
        "max_tokens": float(settings.max_tokens),
        "seed": float((settings.seed + int(request_id[:12], 16)) % 2**31),
    }
    return sampling | ({PENALTY: settings.penalty} if settings.penalty > 1 else {})

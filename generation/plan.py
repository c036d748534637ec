"""What to ask next: how many rows per label, and the requests for them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from generation.adapters.folder import Adapter
from generation.methods.base import Method
from generation.records import digest, requests_table
from generation.settings import GenerationSettings
from generation.task import Example, Label, Task
from generation.tokens import block_padding, most_tokens

# Beta(6, 4): of a small LM's rows about 60 % are kept (docs/results.md), and ten rows' worth of belief in that
PRIOR_ACCEPTED, PRIOR_REJECTED = 6.0, 4.0
# a label's last plan is met with 98 % probability: a further wave for a row or two costs more than the surplus
CERTAINTY_Z = 2.05
NO_ADAPTERS: Mapping[str, Adapter] = MappingProxyType({})


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
    task: Task,
    settings: GenerationSettings,
    method: Method,
    identity: str,
    round_: int,
    wave: int,
    counts: Mapping[str, int],
    adapters: Mapping[str, Adapter] = NO_ADAPTERS,
) -> pa.Table:
    """The requests (REQUEST_SCHEMA) of a wave: `counts` requests per label; `adapters` are those of labels.

    Exemplar sets are few and shared, so that the engine's prefix cache has each of them once, and prompts are padded to
    whole blocks of it; labels and sets take turns, so that any part of a wave is balanced. The same arguments give the
    same table, ids included.
    """
    sets = {label.name: exemplar_sets(task, label, settings, identity, round_) for label in task.labels}
    prompts = {
        (label.name, index): method.prompt(task, label, exemplars)
        for label in task.labels
        if counts.get(label.name, 0)
        for index, exemplars in enumerate(sets[label.name])
    }
    texts = list(dict.fromkeys(prompts.values()))
    lengths = dict(zip(texts, most_tokens(method.model_folder, texts), strict=True))
    # a server that draws one text a request is asked, and charges for the prompt, once for each
    asks = settings.samples if method.model_folder is None else 1
    rows: list[dict[str, object]] = []
    for turn in range(max(counts.values(), default=0)):
        for label in task.labels:
            if turn >= counts.get(label.name, 0):
                continue
            repetition, index = divmod(turn, len(sets[label.name]))
            prompt, adapter = prompts[label.name, index], adapters.get(label.name)
            answers = settings.samples * math.ceil((counts[label.name] - index) / len(sets[label.name]))
            soft = adapter.tokens if adapter else 0
            # a soft prompt was trained to stand right before its text: nothing comes between
            padding = block_padding(lengths[prompt], answers) if method.may_be_padded and not soft else 0
            most = asks * (soft + padding + lengths[prompt]) + settings.samples * settings.max_tokens
            seed_ids = [exemplar.id for exemplar in sets[label.name][index]]
            rows.append(
                _request(
                    identity,
                    settings,
                    round_,
                    wave,
                    label.name,
                    adapter.id if adapter else "",
                    seed_ids,
                    prompt,
                    repetition,
                )
                | {"ordinal": len(rows), "padding": padding, "most_tokens": most}
            )
    return requests_table(rows)


def exemplar_sets(
    task: Task, label: Label, settings: GenerationSettings, identity: str, round_: int
) -> list[list[Example]]:
    """Up to `settings.exemplar_sets` different ordered samples of the label's seeds; one empty set without seeds.

    All waves of a round have the same, so that their prompts stay in the engines' caches.
    """
    seeds = sorted(task.seeds_of(label.name), key=lambda seed: seed.id)
    size = min(settings.exemplars, len(seeds))
    if size == 0:
        return [[]]
    draw = random.Random(digest(identity, round_, 0, label.name))
    sets: dict[tuple[str, ...], list[Example]] = {}
    for _ in range(settings.exemplar_sets * 4):
        chosen = draw.sample(seeds, size)
        sets.setdefault(tuple(seed.id for seed in chosen), chosen)
        if len(sets) == settings.exemplar_sets:
            break
    return list(sets.values())


def _request(
    identity: str,
    settings: GenerationSettings,
    round_: int,
    wave: int,
    label: str,
    adapter: str,
    seed_ids: list[str],
    prompt: str,
    repetition: int,
) -> dict[str, object]:
    attributes = dict[str, str]()
    request_id = digest(identity, round_, wave, label, settings.method, adapter, seed_ids, attributes, repetition)
    sampling = {
        "temperature": settings.temperature,
        "min_p": settings.min_p,
        "max_tokens": float(settings.max_tokens),
        "seed": float((settings.seed + int(request_id[:12], 16)) % 2**31),
    }
    return {
        "request_id": request_id,
        "round": round_,
        "wave": wave,
        "label": label,
        "method": settings.method,
        "adapter": adapter,
        "seed_ids": seed_ids,
        "attributes": attributes,
        "repetition": repetition,
        "samples": settings.samples,
        "prompt": prompt,
        "prompt_hash": digest(prompt),
        "sampling": sampling,
    }

"""Does an engine that has loaded an adapter answer like the adapter? Compared on logprobs of a probe prompt.

Engines have been seen to drop an adapter and to serve the base model in its place, without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.adapters.manifest import Probe

# nats; an engine in bf16 differs from its float32 reference by 0.03 to 0.05 (docs/adapters.md)
TOLERANCE = 0.2
SHARE = 0.25  # of its effect: what moves logprobs far carries them further astray too
LEAST_EFFECT = 0.1

Tops = Sequence[Mapping[int, float]]


def distance(one: Tops, other: Tops) -> float:
    """Mean absolute difference of logprobs over the tokens that are among the likeliest of either, in nats.

    A token that one side does not tell of counts as its least likely one, so a distance is never overstated.
    """
    return sum(_distance(*pair) for pair in zip(one, other, strict=True)) / len(one)


def find_fault(probe: Probe, adapted: Tops, base: Tops) -> str | None:
    """What is wrong with an engine's distributions for the probe, with the adapter and without; None: nothing.

    The adapter must change the base model's answers, and they must come closer to the reference than to those.
    """
    effect, error = distance(adapted, base), distance(adapted, probe.adapter)
    if effect < LEAST_EFFECT:
        return (
            f"has no effect: with it, logprobs on its probe prompt differ by {effect:.3f} from the base model's; "
            f"{LEAST_EFFECT} is the least"
        )
    if error > (allowed := min(effect, max(TOLERANCE, SHARE * effect))):
        return (
            f"does not work as it was made: logprobs on its probe prompt differ by {error:.3f} from those in its "
            f"adapter.json; {allowed:.2g} is the most"
        )
    return None


def _distance(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    least_one, least_other = min(one.values()), min(other.values())
    tokens = one.keys() | other.keys()
    return sum(abs(one.get(token, least_one) - other.get(token, least_other)) for token in tokens) / len(tokens)

"""Where an augmenting method helps out: labels whose rows are less varied than their seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import pyarrow as pa

FEWEST = 2  # texts of which variety can be told


def flat_labels(
    accepted: Mapping[str, Sequence[str]],
    seeds: Mapping[str, Sequence[str]],
    variety: Callable[[Sequence[str]], float],
) -> frozenset[str]:
    """Labels whose accepted texts have a lower `variety` than their seeds, compared at equal numbers of texts.

    A variety such as distinct-n falls as texts are added: the accepted are measured in groups, each of as many as there
    are seeds, and the groups' mean counts. A label with fewer than FEWEST texts of either kind is none of them.
    """
    flat = set()
    for label, texts in accepted.items():
        own = seeds.get(label, ())
        size = min(len(own), len(texts))
        if size < FEWEST:
            continue
        groups = [texts[start : start + size] for start in range(0, len(texts) - size + 1, size)]
        if fmean(map(variety, groups)) < variety(own[:size]):
            flat.add(label)
    return frozenset(flat)


def share_counts(
    counts: Mapping[str, int], flat: frozenset[str], share: float, samples: int, helper_samples: int
) -> tuple[dict[str, int], dict[str, int]]:
    """(own, helper's) requests per label: of each flat label's rows the helper brings `share`, to whole requests.

    `samples` are the texts that a request of the method brings, `helper_samples` those of the helper.
    """
    moved = {label: math.floor(share * counts[label] + 0.5) for label in counts if label in flat}
    own = {label: count - moved.get(label, 0) for label, count in counts.items()}
    helped = {label: math.ceil(count * samples / helper_samples) for label, count in moved.items()}
    return {label: count for label, count in own.items() if count}, {
        label: each for label, each in helped.items() if each
    }


def join_plans(*plans: pa.Table) -> pa.Table:
    """Plans of one wave (REQUEST_SCHEMA) as one, numbered through."""
    joined = pa.concat_tables(plans).combine_chunks()
    place = joined.schema.get_field_index("ordinal")
    numbers = pa.array(range(joined.num_rows), joined.schema.field("ordinal").type)
    return joined.set_column(place, joined.schema.field("ordinal"), numbers)

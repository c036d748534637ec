"""What is measured of a way's rows, and the table of all ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from yardstick.cleaning import clean
from yardstick.encoders import Encoders, Probe, accuracy
from yardstick.sets import Split

from denoise.diversity import copy_rate, distinct
from denoise.noise.agreement import agreements
from denoise.settings import DenoiseSettings

AT = 200  # texts that diversity is measured on: it falls as texts are added


@dataclass(frozen=True)
class Figures:
    """Of the rows of one way on one split.

    `stand`: share that filters and deduplication leave; `right`: percent of these whose label is the oracle's;
    `distinct_2`, `nearest`: distinct word bigrams, and mean cosine to the nearest other text, of AT of them; `copies`:
    percent of all rows that are copies of seeds; `tokens`, `seconds`: prompt and output tokens, and seconds with
    training, for a standing row; `kept`: percent of all rows that denoising keeps; `lift`: points of a linear head on
    seeds and kept rows over one on the seeds.
    """

    rows: int
    stand: float
    right: float
    distinct_2: float
    nearest: float
    copies: float
    tokens: float
    seconds: float
    kept: float
    lift: float


def measure(rows: pa.Table, split: Split, encoders: Encoders, settings: DenoiseSettings, seconds: float) -> Figures:
    """The figures of generated `rows` (ROW_SCHEMA), which took so many seconds."""
    drafts = clean(rows, split.task, settings)
    texts, intended = [draft.text for draft in drafts], [draft.label for draft in drafts]
    vectors = encoders.frozen.of(texts)
    true = encoders.oracle(split.real).predict(vectors)
    chosen = np.random.default_rng(0).permutation(len(texts))[:AT]
    first = rows.group_by("request_id").aggregate([("prompt_tokens", "min")])
    tokens = sum(first["prompt_tokens_min"].to_pylist()) + sum(rows["output_tokens"].to_pylist())
    opinions = agreements(intended, encoders.judge(split).probabilities(texts), split.labels, settings)
    kept = [(place, opinion) for place, opinion in enumerate(opinions) if opinion.weight > 0]
    return Figures(
        rows=rows.num_rows,
        stand=len(drafts) / rows.num_rows,
        right=100 * float(np.mean([one == other for one, other in zip(true, intended, strict=True)])),
        distinct_2=distinct([texts[place] for place in chosen], 2),
        nearest=nearest(vectors[chosen]),
        copies=100 * copy_rate(rows["text"].to_pylist(), [seed.text for seed in split.seeds], settings.seed_copy),
        tokens=tokens / len(drafts),
        seconds=seconds / len(drafts),
        kept=100 * len(kept) / rows.num_rows,
        lift=_lift(
            split,
            encoders,
            [texts[place] for place, _ in kept],
            [str(opinion.label) for _, opinion in kept],
            [opinion.weight for _, opinion in kept],
        ),
    )


def table(found: Mapping[tuple[str, float], Sequence[Figures]], oracle: float) -> str:
    """Means over splits, one line a way."""
    names = [field.name for field in fields(Figures)]
    lines = [
        f"Oracle's own accuracy: {oracle:.1f} %. {len(next(iter(found.values())))} split(s).\n",
        "| method | T | rows | stand | right, % | distinct-2 | nearest | copies, % | tokens | s | kept, % | lift |",
        "| --- | ---: |" + " ---: |" * len(names),
    ]
    shapes = ["{:.0f}", "{:.2f}", "{:.1f}", "{:.3f}", "{:.3f}", "{:.1f}", "{:.0f}", "{:.2f}", "{:.1f}", "{:+.1f}"]
    for (method, temperature), each in found.items():
        means = [float(np.mean([getattr(figures, name) for figures in each])) for name in names]
        cells = " | ".join(shape.format(mean) for shape, mean in zip(shapes, means, strict=True))
        lines.append(f"| {method} | {temperature:g} | {cells} |")
    return "\n".join(lines)


def nearest(vectors: np.ndarray) -> float:
    """Mean cosine of each unit vector to the one nearest to it."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -1.0)
    return float(similar.max(axis=1).mean())


def _lift(
    split: Split, encoders: Encoders, texts: Sequence[str], labels: Sequence[str], weights: Sequence[float]
) -> float:
    """Points of accuracy on the test rows."""
    seeds, test = split.seeds, split.real.test
    own = [str(seed.label) for seed in seeds]
    vectors = encoders.frozen.of([seed.text for seed in seeds])
    asked = encoders.frozen.of([row.text for row in test])
    alone = accuracy(Probe.fit(vectors, own, split.labels).predict(asked), test)
    both = np.concatenate([vectors, encoders.frozen.of(texts)])
    fitted = Probe.fit(both, [*own, *labels], split.labels, np.array([1.0] * len(own) + list(weights)))
    return accuracy(fitted.predict(asked), test) - alone

"""Rows from sparse regions, and from the border to labels that are taken for theirs, for prompts of a later round."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc

from cluster.checked import may_be_shown
from cluster.store import Store
from denoise.density import nearest_to, sparsest
from generation.settings import GenerationSettings
from generation.task import Example


def sparse_rows(
    store: Store,
    round_: int,
    settings: GenerationSettings,
    encoder: Path,
    pairs: Sequence[tuple[str, str, int]] = (),
) -> dict[str, tuple[Example, ...]]:
    """Label -> as many rows as a round's exemplar sets can show, those with the fewest like them first.

    Where a label is in one of `pairs`, which the student takes for one another, every second row is instead one of
    those that are most like the other label's; of several pairs the first counts. They are drawn from what earlier
    rounds accepted under the label that was asked for, by the embeddings of the encoder. Earlier rounds are finished,
    so that it is the same for all waves and after every interruption.
    """
    rows = may_be_shown(store, store.kept(range(round_))) if settings.sparse else None
    if rows is None or rows.num_rows == 0:
        return {}
    from training.encoder import Encoder

    rows = rows.filter(pc.equal(rows["status"], "accepted")).sort_by("id")
    most = settings.exemplar_sets * round(settings.sparse * settings.exemplars)
    own = {label: rows.filter(pc.equal(rows["label"], label)) for label in rows["label"].unique().to_pylist()}
    model, found = Encoder.load(encoder), dict[str, tuple[Example, ...]]()
    vectors = {label: model.embed(each["text"].to_pylist()) for label, each in own.items()}
    for label, each in own.items():
        ids, texts = each["id"].to_pylist(), each["text"].to_pylist()
        places = sparsest(ids, vectors[label], most)
        if (other := _taken_for(label, pairs)) in vectors:
            border = nearest_to(ids, vectors[label], vectors[other], most)
            places = list(dict.fromkeys(place for both in zip(places, border, strict=True) for place in both))[:most]
        found[label] = tuple(Example(texts[place], label) for place in places)
    return found


def _taken_for(label: str, pairs: Sequence[tuple[str, str, int]]) -> str | None:
    """The label that this one is confused with most often."""
    return next((one if other == label else other for one, other, _ in pairs if label in (one, other)), None)

"""Rows from sparse regions, for the prompts of a later round."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc

from cluster.checked import may_be_shown
from cluster.store import Store
from denoise.density import sparsest
from generation.settings import GenerationSettings
from generation.task import Example


def sparse_rows(
    store: Store, round_: int, settings: GenerationSettings, encoder: Path
) -> dict[str, tuple[Example, ...]]:
    """Label -> as many rows as a round's exemplar sets can show, those with the fewest like them first.

    They are drawn from what earlier rounds accepted under the label that was asked for, by the embeddings of the
    encoder. Earlier rounds are finished, so that it is the same for all waves and after every interruption.
    """
    rows = may_be_shown(store, store.kept(range(round_))) if settings.sparse else None
    if rows is None or rows.num_rows == 0:
        return {}
    from training.encoder import Encoder

    rows = rows.filter(pc.equal(rows["status"], "accepted")).sort_by("id")
    most = settings.exemplar_sets * round(settings.sparse * settings.exemplars)
    model, found = Encoder.load(encoder), dict[str, tuple[Example, ...]]()
    for label in rows["label"].unique().to_pylist():
        own = rows.filter(pc.equal(rows["label"], label))
        texts = own["text"].to_pylist()
        places = sparsest(own["id"].to_pylist(), model.embed(texts), most)
        found[label] = tuple(Example(texts[place], label) for place in places)
    return found

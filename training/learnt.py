"""What an encoder has to tell of seeds and words, as values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from generation.task import Example
from training.dynamics import neighbours, variability
from training.encoder import Encoder
from training.settings import StudentSettings
from training.synonyms import Synonyms


def learn(
    seeds: Sequence[Example], words: Sequence[str], encoder_folder: Path | str, settings: StudentSettings
) -> dict[str, Any]:
    """`variability` and `neighbours` of the seeds by id, `synonyms` of those words that have any.

    The order of the seeds does not matter.
    """
    encoder = Encoder.load(encoder_folder, settings.max_length)
    near = Synonyms(encoder)
    found = {word: near.of(word) for word in words}
    told = {"variability": {}, "neighbours": {}, "synonyms": {word: others for word, others in found.items() if others}}
    if not seeds:
        return told
    seeds = sorted(seeds, key=lambda seed: seed.id)
    names, labels = [seed.id for seed in seeds], sorted({str(seed.label) for seed in seeds})
    embeddings = encoder.embed([seed.text for seed in seeds])
    targets = np.array([labels.index(str(seed.label)) for seed in seeds])
    changes = variability(embeddings, targets, settings.seed).tolist()
    return told | {
        "variability": dict(zip(names, changes, strict=True)),
        "neighbours": {name: list(others) for name, others in neighbours(embeddings, names).items()},
    }

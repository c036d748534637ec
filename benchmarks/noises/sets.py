"""Parts of the real sets, small enough that a cell takes some seconds; their vectors are made once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from pyarrow.fs import LocalFileSystem
from yardstick.sets import RealSet, read_set

from generation.models import EMBEDDED_ENCODER, model_hash, resolve_model
from generation.parts import write_bytes
from generation.records import digest
from generation.task import Example
from noises.cells import Part
from training.encoder import Encoder

LABELS, ROWS, TEST_ROWS = 15, 40, 30


def read_part(name: str, data: Path, out: Path) -> Part:
    """LABELS of a set's labels, up to ROWS train and TEST_ROWS test rows of each, drawn once and for all."""
    real = read_set(name, data)
    draw = np.random.default_rng(0)
    names = sorted(draw.choice([label.name for label in real.labels], LABELS, replace=False).tolist())
    train, test = (_drawn(rows, names, count, draw) for rows, count in ((real.train, ROWS), (real.test, TEST_ROWS)))
    vectors = _vectors(real, [row.text for row in (*train, *test)], out)
    numbers = np.array([names.index(str(row.label)) for row in (*train, *test)])
    n = len(train)
    ids = [row.id for row in train]
    return Part(name, LABELS, vectors[:n], numbers[:n], ids, vectors[n:], numbers[n:])


def _drawn(rows: tuple[Example, ...], names: list[str], count: int, draw: np.random.Generator) -> list[Example]:
    found = []
    for name in names:
        own = [row for row in rows if row.label == name]
        found += [own[place] for place in draw.permutation(len(own))[:count]]
    return found


def _vectors(real: RealSet, texts: list[str], out: Path) -> np.ndarray:
    folder = resolve_model(EMBEDDED_ENCODER)
    file = out / f"{real.name}-{digest(texts, model_hash(folder))[:12]}.npy"
    if not file.is_file():
        out.mkdir(parents=True, exist_ok=True)
        whole = io.BytesIO()
        np.save(whole, Encoder.load(folder).embed(texts))
        write_bytes(LocalFileSystem(), str(file), whole.getvalue())
    return np.load(file)

"""A student's ONNX form, fed as its torch form is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.encoder import Tokenizer
from training.onnx_export import INPUTS, OUTPUT
from training.students import NETWORKS
from training.students.network import Encoded, Input

BATCH_TOKENS = 2048


class OnnxNetwork:
    """What `Student` asks of a network, from a file of weights; `unit` and the encoding are those of a kind."""

    def __init__(self, file: Path, folder: Path, kind: str, max_length: int, threads: int | None = None) -> None:
        """`file` is the ONNX model, `folder` has the tokenizer; by default all cores count."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._kind: Any = NETWORKS[kind]
        self._per_word = self._kind.unit == "word"
        # one text a row: a graph has no masks between texts
        self.tokenizer = Tokenizer.load(folder, "", max_length)

    def encode(self, inputs: Sequence[Input]) -> list[Encoded]:
        """As the kind's network does, which needs its tokenizer alone."""
        found: list[Encoded] = self._kind.encode(self, inputs)
        return found

    def logits(self, inputs: Sequence[Input]) -> np.ndarray:
        """float64 [u, c]: the marks of each text, in the order of `inputs`."""
        return self.logits_of(self.encode(inputs))

    def logits_of(self, encoded: Sequence[Encoded]) -> np.ndarray:
        """The same of encoded texts."""
        width = self._session.get_outputs()[0].shape[-1]
        found = [np.zeros((0, width))] * len(encoded)
        order = sorted(range(len(encoded)), key=lambda place: len(encoded[place].ids))
        while order:
            count = max(1, BATCH_TOKENS // len(encoded[order[-1]].ids))
            chosen, order = order[-count:], order[:-count]
            logits = self._run([encoded[place].ids for place in chosen])
            for place, row in zip(chosen, logits, strict=True):
                found[place] = row[list(encoded[place].marks)] if self._per_word else row[None]
        return np.concatenate([np.zeros((0, width)), *found])

    def _run(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        length = max(map(len, ids))
        tokens = np.full((len(ids), length), self.tokenizer.tokenizer.pad_token_id, np.int64)
        mask = np.zeros_like(tokens)
        for row, each in enumerate(ids):
            tokens[row, : len(each)], mask[row, : len(each)] = each, 1
        (logits,) = self._session.run([OUTPUT], dict(zip(INPUTS, (tokens, mask), strict=True)))
        return np.asarray(logits, np.float64)

"""A student as ONNX, for runtimes without torch: in float32, and with weights of eight bits."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import PreTrainedModel

INPUTS, OUTPUT = ("input_ids", "attention_mask"), "logits"


def write_onnx(model: PreTrainedModel, target: Path) -> None:
    """One file: `input_ids` and `attention_mask`, int64 [n, t], to `logits`, float32 [n, c] or [n, t, c].

    `n` and `t` may differ from call to call.
    """
    tokens = torch.ones(3, 8, dtype=torch.int64)
    mask = tokens.clone()
    mask[1, 5:] = 0  # a mask of ones alone would be optimised away, with all masks to come
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _quiet(), torch.inference_mode():
        torch.onnx.export(
            model,
            kwargs=dict(zip(INPUTS, (tokens, mask), strict=True)),
            f=target,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_shapes=dict.fromkeys(INPUTS, free),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def write_int8(source: Path, target: Path) -> None:
    """The ONNX model `source` with 8-bit weights, a scale for each channel; activations are scaled as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with _quiet(), tempfile.TemporaryDirectory(prefix="labelmill-") as folder:
        prepared = Path(folder) / source.name
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(str(prepared), str(target), per_channel=True, weight_type=QuantType.QInt8)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Both libraries print progress and hints."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

"""What a model needs of GPUs: weights and KV cache, counted from its shape. `python -m cluster.sizing [FOLDER]`.

An estimate, not a measurement: what a GPU holds beside the two is taken to be OVERHEAD_GIB.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

GIB = 1024**3
GPU_MEMORY = 0.9  # runtime.gpu_memory
OVERHEAD_GIB = 3.0  # of activations, CUDA context and graphs on each GPU: a guess, to be replaced by what vLLM logs
CONTEXT = 1024  # runtime.max_model_len


@dataclass(frozen=True)
class Shape:
    """A decoder: parameters, layers, key-value heads and their width, attention heads, bytes per weight."""

    name: str
    parameters: float
    layers: int
    kv_heads: int
    head_width: int
    heads: int
    weight_bytes: float = 2

    @property
    def weights(self) -> float:
        """GiB of all weights."""
        return self.parameters * self.weight_bytes / GIB

    @property
    def kv_per_token(self) -> int:
        """Bytes that one token takes in a bf16 KV cache: a key and a value per layer and head."""
        return 2 * self.layers * self.kv_heads * self.head_width * 2


@dataclass(frozen=True)
class Sizing:
    """`tensor_parallel` GPUs for one engine, and how many sequences of CONTEXT tokens its KV cache holds at once."""

    tensor_parallel: int
    sequences: int


SHAPES = (
    Shape("135M (SmolLM2)", 134.5e6, 30, 3, 64, 9),
    Shape("8B (Llama 3.1)", 8.03e9, 32, 8, 128, 32),
    Shape("8B (Llama 3.1), fp8", 8.03e9, 32, 8, 128, 32, 1),
    Shape("70B (Llama 3.3)", 70.6e9, 80, 8, 128, 64),
    Shape("70B (Llama 3.3), fp8", 70.6e9, 80, 8, 128, 64, 1),
)
GPUS = (24, 80)  # GiB, as GPUs are sold


def size(shape: Shape, gpu_gib: float, least: int = 64, most: int = 8) -> Sizing | None:
    """The fewest GPUs of one node that hold the weights and `least` sequences; None where `most` do not.

    Only powers of two that divide the attention heads can split a layer.
    """
    for gpus in (2**power for power in range(int(math.log2(most)) + 1)):
        room = gpus * (gpu_gib * GPU_MEMORY - OVERHEAD_GIB) - shape.weights
        sequences = int(room * GIB // (shape.kv_per_token * CONTEXT))
        if sequences >= least and shape.heads % gpus == 0:
            return Sizing(gpus, sequences)
    return None


def table(shapes: tuple[Shape, ...] = SHAPES) -> str:
    """Markdown: a row for each model, for each size of GPU how many one engine takes and what its cache holds."""
    head = ["model", "weights GiB", "KV cache KiB/token"]
    head += [f"{name} {gib} GB" for gib in GPUS for name in ("GPUs of", "sequences on")]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for shape in shapes:
        cells = [shape.name, f"{shape.weights:.1f}", f"{shape.kv_per_token / 1024:.1f}"]
        for gib in GPUS:
            found = size(shape, gib)
            cells += [str(found.tensor_parallel), f"{found.sequences:,}"] if found else ["more than 8", ""]
        lines.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def shape_of(folder: Path) -> Shape:
    """The shape of a Hugging Face folder; weights are counted as the files are large."""
    config = json.loads((folder / "config.json").read_text())
    heads = config["num_attention_heads"]
    return Shape(
        name=folder.name,
        parameters=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        layers=config["num_hidden_layers"],
        kv_heads=config.get("num_key_value_heads") or heads,
        head_width=config.get("head_dim") or config["hidden_size"] // heads,
        heads=heads,
        weight_bytes=1,
    )


if __name__ == "__main__":
    print(table((shape_of(Path(sys.argv[1])),) if len(sys.argv) > 1 else SHAPES))

"""Names and shapes of the tensors in safetensors files, without loading them."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from generation.errors import UserError


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of a file. Raises UserError when it is no whole safetensors file."""
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a whole safetensors file ({' '.join(str(error).split())})") from None


def model_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of a model's folder."""
    return {name: shape for path in sorted(folder.glob("*.safetensors")) for name, shape in read_shapes(path).items()}

"""A mixture of soft prompts: an instruction, a prompt for every attribute value, and how they are mixed.

An adapter of this kind serves all labels: each request gets soft tokens of its own, from its label, its attributes and
the text of its prompt. The files: `mixture.json` (the mixer and the values in order) and `mixture.safetensors`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from generation.adapters.weights import read_shapes
from generation.attribute import SLOT, Attribute
from generation.errors import UserError, clip
from generation.models import read_object

if TYPE_CHECKING:
    from torch import Tensor

    from generation.adapters.mixing import Mixture

CONFIG, WEIGHTS = "mixture.json", "mixture.safetensors"
FILES = (CONFIG, WEIGHTS)
TASK_VALUE, LABEL = "task", "label"
MixerName = Literal["concat", "pooling", "attention", "bottleneck", "cnn"]
MIXER_NAMES: tuple[str, ...] = get_args(MixerName)


@dataclass(frozen=True)
class MixtureShape:
    """What a mixture is made of: `values` in the order of its prompts, `tokens` of each, those of the instruction."""

    mixer: MixerName
    values: tuple[str, ...]
    instruction: int
    tokens: int
    hidden: int

    def soft_tokens(self, values: int) -> int:
        """Soft tokens before a prompt with so many values."""
        return self.instruction + self.tokens * (values if self.mixer == "concat" else 1)


def values_of(label: str, attributes: Mapping[str, str]) -> list[str]:
    """The values whose prompts a request mixes: the task's own, its labels' (joined by "+") and its attributes'."""
    names = label.split("+")
    labels = [f"{LABEL}={name}" for name in (names if all(names) else [label])]  # "c++" is one label
    return [TASK_VALUE, *labels, *(_value(name, value) for name, value in sorted(attributes.items()))]


def described_values(attribute: Attribute) -> dict[str, str]:
    """The values of a dimension that have prompts, and what each stands for; a slot has one prompt for all."""
    if attribute.is_slot:
        return {attribute.name: attribute.name.removeprefix(SLOT)}
    return {_value(attribute.name, value): attribute.ask_for(value) for value in attribute.values}


def _value(name: str, value: str) -> str:
    """What fills a slot stands in the text: its prompt is that of the slot."""
    return name if name.startswith(SLOT) else f"{name}={value}"


def read_mixture(folder: Path) -> MixtureShape:
    """The shape of the mixture in a folder. Raises UserError."""
    path = folder / CONFIG
    config = read_object(path)
    values, mixer = config.get("values"), config.get("mixer")
    if mixer not in MIXER_NAMES:
        raise UserError(f"{path}: mixer: must be one of {', '.join(MIXER_NAMES)}; got {clip(mixer)}")
    if not isinstance(values, list) or TASK_VALUE not in values or len(set(values)) < len(values):
        raise UserError(f"{path}: values: must be a list of different names with {TASK_VALUE!r}; got {clip(values)}")
    shapes = read_shapes(folder / WEIGHTS)
    instruction, prompts = shapes.get("instruction", ()), shapes.get("prompts", ())
    if len(instruction) != 2 or len(prompts) != 3 or prompts[0] != len(values) or prompts[2] != instruction[1]:
        raise UserError(
            f"{folder / WEIGHTS}: must hold 'instruction' [tokens, d] and 'prompts' [{len(values)} values, tokens, d]; "
            f"got {list(instruction)} and {list(prompts)}"
        )
    return MixtureShape(mixer, tuple(values), instruction[0], prompts[1], prompts[2])


def check_values(folder: Path, wanted: Sequence[str]) -> None:
    """Every value that requests will name must have a prompt. Raises UserError."""
    known = read_mixture(folder).values
    for value in wanted:
        if value not in known:
            raise UserError(
                f"{folder / CONFIG}: values: has no prompt for {value!r}; known are {clip(', '.join(known))}"
            )


def load_mixture(folder: Path) -> Mixture:
    """The mixture in a folder, in float32. Raises UserError."""
    from safetensors.torch import load_file

    from generation.adapters.mixing import Mixture

    shape = read_mixture(folder)
    mixture = Mixture(shape)
    weights = load_file(folder / WEIGHTS)
    try:
        mixture.load_state_dict(weights)
    except RuntimeError:  # torch's lists every tensor on a line
        got = clip(", ".join(sorted(weights)))
        raise UserError(f"{folder / WEIGHTS}: must hold the weights of mixer {shape.mixer!r}; got {got}") from None
    return mixture.eval()


def save_mixture(folder: Path, mixture: Mixture) -> None:
    """Put a mixture into a folder; seal it afterwards."""
    from safetensors.torch import save_file

    shape = mixture.shape
    (folder / CONFIG).write_text(json.dumps({"mixer": shape.mixer, "values": list(shape.values)}, indent=1) + "\n")
    save_file({name: value.cpu().contiguous() for name, value in mixture.state_dict().items()}, folder / WEIGHTS)


def base_embeddings(model_folder: Path) -> Tensor:
    """The base model's input embeddings, [vocabulary, d], read from its files alone. Raises UserError."""
    from safetensors import safe_open

    for path in sorted(model_folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                if name.endswith(("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight")):
                    return file.get_tensor(name)
    raise UserError(f"model: {model_folder} has no tensor of input embeddings; a mixture needs them")

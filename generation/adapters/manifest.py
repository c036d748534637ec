"""`adapter.json`: what an adapter is, the model it belongs to, and what it does to a probe prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, ValidationError, model_validator

from generation.errors import UserError, clip

NAME = "adapter.json"
TOP = 20  # likeliest tokens kept of a distribution: as many as vLLM gives by default

Kind = Literal["lora", "soft_prompt", "mixture"]
Top = Annotated[dict[NonNegativeInt, FiniteFloat], Field(min_length=1, max_length=TOP)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Probe(_Value):
    """The likeliest next tokens, as token id -> logprob, with the adapter and without.

    Entry i of `adapter` and `base` is what follows on `prompt` and the first i tokens of `continuation`, so that both
    were asked the same. `values` are those that a mixture was asked with.
    """

    prompt: tuple[NonNegativeInt, ...] = Field(min_length=1, max_length=256)
    continuation: tuple[NonNegativeInt, ...] = Field(max_length=31)
    values: tuple[str, ...] = ()
    adapter: tuple[Top, ...]
    base: tuple[Top, ...]

    @model_validator(mode="after")
    def _one_distribution_each(self) -> Probe:
        wanted = len(self.continuation) + 1
        if len(self.adapter) != wanted or len(self.base) != wanted:
            raise ValueError(
                f"must have {wanted} distributions each, one more than continuation; got {len(self.adapter)} of the "
                f"adapter and {len(self.base)} of the base model"
            )
        return self

    @property
    def contexts(self) -> list[list[int]]:
        """The prompts whose next token `adapter` and `base` tell of."""
        return [[*self.prompt, *self.continuation[:length]] for length in range(len(self.adapter))]


class Manifest(_Value):
    """`files` are the sha256 of the adapter's other files; `model_hash` is generation.models.model_hash of its base."""

    kind: Kind
    model_hash: str
    hidden_size: int
    files: dict[str, str]
    probe: Probe


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an adapter's folder. Raises UserError."""
    path = folder / NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; seal the adapter first: python -m generation.adapters {folder} --model MODEL"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {where}: {first['msg']}; got {clip(first['input'])}") from None

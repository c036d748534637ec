"""A way in which texts of every label may differ, and the values it may have."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AfterValidator(lambda text: " ".join(text.split())),
]
# the attribute under which personas are recorded
PERSONA = "persona"
SLOT = "slot."  # begins the names of attributes whose values must stand in the text
_VALUE = "{value}"


class Attribute(BaseModel):
    """A dimension of AttrPrompt (Yu et al. 2023), such as the tone; `phrase` puts a value into words for the LM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line
    values: tuple[Line, ...] = Field(min_length=1)
    phrase: Line | None = None

    @model_validator(mode="after")
    def _can_be_asked_for(self) -> Self:
        for value in self.values:
            if self.values.count(value) > 1:
                raise ValueError(f"values must differ; got {value!r} twice")
        if self.phrase is not None and _VALUE not in self.phrase:
            raise ValueError(f"phrase must hold {_VALUE}; got {self.phrase!r}")
        return self

    def ask_for(self, value: str) -> str:
        """What the LM is told: the phrase with the value in it, or `name: value`."""
        return f"{self.name}: {value}" if self.phrase is None else self.phrase.replace(_VALUE, value)

    @property
    def is_slot(self) -> bool:
        """Whether its values are words of the text, and not ways to write."""
        return self.name.startswith(SLOT)


def persona(values: tuple[str, ...]) -> Attribute:
    """Writers as values of an attribute."""
    return Attribute(name=PERSONA, values=values, phrase=f"written by {_VALUE}")

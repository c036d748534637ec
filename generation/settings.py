"""Settings of generation, and the base that all groups of settings share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from generation.parts_in_json import KIND_FORMS
from generation.task import Words

REST = "*"  # in `adapters`: all labels that are not named
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Base of every group of settings: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class GenerationSettings(Settings):
    """How the LM is asked."""

    adapters: dict[str, str | None] = Field(
        {}, description='label -> folder of its adapter, null: the base model; "*" stands for all other labels'
    )
    method: str = Field("prompted", description="how texts are made: `labelmill methods` lists the ways")
    augment: Literal["paraphrase", "eda", "mix"] | None = Field(
        None, description="method that helps out, from a round's second wave on, where rows are less varied than seeds"
    )
    augment_share: Share = Field(0.25, description="share of such a label's rows that it brings")
    form: Literal["completion", "chat"] = Field("completion", description="plain completion or the chat template")
    output: Literal["text", "json"] = Field(
        "text",
        description="json: answers are JSON objects, a field for each part of a text; engines hold the LM to them",
    )
    template: str | None = Field(None, description="a Jinja file of your own in place of the method's template")
    exemplars: int = Field(10, ge=0, le=64, description="seeds of the label shown in a prompt")
    borrow_below: int = Field(
        3, ge=0, description="labels of fewer seeds are asked for beside those of others; 0: never"
    )
    borrowed: int = Field(5, ge=1, description="most seeds of other labels in a prompt")
    exemplar_sets: int = Field(4, ge=1, description="different exemplar sets per label and round; requests share them")
    sparse: float = Field(
        0.0, ge=0, le=0.5, description="share of exemplars that are earlier rounds' rows with the fewest like them"
    )
    samples: int = Field(4, ge=1, le=64, description="texts drawn per request")
    temperature: float = Field(1.0, gt=0, le=3)
    steer: bool = Field(
        False, description="each label's temperature follows what the judge saw in earlier waves, from `temperature` on"
    )
    min_p: Share = Field(
        0.05, description="drop tokens below this share of the likeliest one; for a server, see server.extra"
    )
    penalty: float = Field(
        1.0, ge=1, le=2, description="CTRL's: divides the logits of tokens that a text has already; 1: off"
    )
    banned: tuple[Words, ...] = Field((), description="strings that no text may hold, in any case, as whole words")
    max_tokens: int = Field(96, ge=1, le=4096, description="longest text, in tokens; longer ones are rejected")
    seed: int = Field(0, ge=0, lt=2**31)

    def form_name(self, kind: str = "label") -> str:
        """The form's name in the tables of forms: in JSON some kinds of task have their own."""
        name = f"{self.form}_json" if self.output == "json" else self.form
        return of_kind if (of_kind := f"{name}_{kind}") in KIND_FORMS else name

    def adapter_of(self, label: str) -> str | None:
        """Folder of a label's adapter as written in the task; None for the base model."""
        return self.adapters.get(label, self.adapters.get(REST))

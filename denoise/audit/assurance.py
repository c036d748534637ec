"""How sure people want to be of a dataset: the settings at `assurance:`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from generation.settings import Settings, Share


def _percent(value: Any) -> Any:
    """ "2%" as 0.02; anything else as it is."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            return value
    return value


Rate = Annotated[float, BeforeValidator(_percent), Field(gt=0, lt=1)]
Risk = Annotated[float, BeforeValidator(_percent), Field(gt=0, lt=0.5)]


class Assurance(Settings):
    """What a lot must be like to be released. Rates and risks are shares, or strings such as "2%"."""

    accept: Rate = Field(0.02, description="defect rate of a good lot, such as 0.02 or 2%")
    reject: Rate = Field(0.08, description="defect rate of a bad lot")
    risk: Risk = Field(0.05, description="most risk that a good lot fails")
    consumer_risk: Risk | None = Field(None, description="most risk that a bad lot passes; none: the same as risk")
    plan: Literal["sequential", "fixed", "zero_failure"] = Field(
        "sequential", description="how many rows are checked; zero_failure keeps consumer_risk alone"
    )
    cap: int | None = Field(None, ge=1, description="most rows that people may be asked for; none: as the plan needs")
    overlap: Annotated[Share, BeforeValidator(_percent)] = Field(
        0.1, description="share of the rows that two people see"
    )
    merge: Literal["last", "wanli", "third"] = Field(
        "last",
        description="whose word holds where two people differ: the last one's, that of WANLI's rule, or a third's",
    )
    floor: int = Field(0, ge=0, description="rows to draw of each label and confidence, beyond what the plan needs")
    extra: int = Field(0, ge=0, description="rows to draw beyond that, most of them where most is doubted")

    @model_validator(mode="after")
    def _good_is_better_than_bad(self) -> Self:
        if self.accept >= self.reject:
            raise ValueError(f"accept must be below reject, {self.reject:g}; got {self.accept:g}")
        return self

    @property
    def consumer(self) -> float:
        """Most risk that a bad lot passes."""
        return self.risk if self.consumer_risk is None else self.consumer_risk

    def tightened(self, failures: int) -> Assurance:
        """For a lot that follows on `failures` failed ones: the consumer's risk is halved for each.

        So the risks of all tries together stay below twice the one stated, however often a bad lot comes back.
        """
        return self.model_copy(update={"consumer_risk": self.consumer / 2**failures}) if failures else self

"""Settings of the filters that look at a row's characters, language and content."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, StringConstraints, field_validator

from denoise.filters.characters import script_pattern
from denoise.filters.expression import expression_problem
from generation.settings import Settings, Share
from generation.task import Words

Code = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Kind = Literal["email", "iban", "card", "ssn", "ip", "phone"]
_REASON = re.compile(r"[a-z][a-z0-9_]*")
_IMPORT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class FilterSettings(Settings):
    """What single rows must not be, beyond length, repetition and copies of seeds."""

    letters: Share = Field(0.5, description="least share of letters and digits among a text's signs; 0: off")
    scripts: tuple[str, ...] = Field((), description="scripts that texts may be in, such as Latin; none: any")
    languages: tuple[Code, ...] | Literal["seeds", "any"] = Field(
        "seeds", description="languages that texts may be in, such as [en, de]; seeds: those that seeds are in"
    )
    language_confidence: Share = Field(0.8, description="how sure a language must be for its row to go")
    boilerplate: bool = Field(True, description="drop refusals, assistants' phrases and gaps left to fill in")
    label_leak: Literal["off", "marked", "anywhere"] = Field(
        "marked", description="drop texts that mark the name of any of the task's labels as such, or say one anywhere"
    )
    personal: tuple[Kind, ...] = Field(get_args(Kind), description="kinds of personal data that no text may hold")
    toxicity: float | None = Field(
        None, gt=0, le=1, description="probability from which offensive texts go; needs alt-profanity-check"
    )
    toxic_labels: tuple[Words, ...] = Field((), description="labels whose texts may be offensive")
    perplexity: float | None = Field(
        None, gt=0, description="most robust standard deviations of a mean log-probability from its wave's median"
    )
    rules: dict[str, Words] = Field({}, description="reason -> DuckDB expression; rows of which it is true go")
    code: tuple[str, ...] = Field((), description="module:function of your own; only with --allow-code")

    @field_validator("scripts")
    @classmethod
    def _scripts_exist(cls, scripts: tuple[str, ...]) -> tuple[str, ...]:
        for name in scripts:
            try:
                pc.match_substring_regex(pa.array([""]), script_pattern([name]))
            except pa.ArrowInvalid:
                raise ValueError(f"must be Unicode scripts such as Latin; got {name!r}") from None
        return scripts

    @field_validator("toxicity")
    @classmethod
    def _model_is_there(cls, threshold: float | None) -> float | None:
        from importlib.util import find_spec

        if threshold is not None and find_spec("profanity_check") is None:
            raise ValueError("needs the package alt-profanity-check: pip install 'labelmill[toxicity]'")
        return threshold

    @field_validator("rules")
    @classmethod
    def _rules_are_expressions(cls, rules: dict[str, str]) -> dict[str, str]:
        for name, condition in rules.items():
            if not _REASON.fullmatch(name):
                raise ValueError(f"reasons must be lower-case words joined by _; got {name!r}")
            if problem := expression_problem(condition):
                raise ValueError(f"{name}: {problem}; got {condition!r}")
        return rules

    @field_validator("code")
    @classmethod
    def _code_is_named(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            if not _IMPORT.fullmatch(path):
                raise ValueError(f"must be module:function; got {path!r}")
        return paths

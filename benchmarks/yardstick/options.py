"""Settings that a benchmark is told to change, as A=VALUE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

Changed = TypeVar("Changed", bound=BaseModel)


def changed(settings: type[Changed], option: str, given: Sequence[str] | None, **usual: Any) -> Changed:
    """The settings with what `given` says, which goes before what is `usual`. Raises typer.BadParameter."""
    parts = [each.partition("=") for each in given or ()]
    for name, sign, _ in parts:
        if not sign:
            raise typer.BadParameter(f"must be A=VALUE; got {name!r}", param_hint=option)
    try:
        return settings.model_validate(usual | {name: value for name, _, value in parts})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise typer.BadParameter(f"{where}: {first['msg']}; got {first['input']!r}", param_hint=option) from None

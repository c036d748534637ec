"""The assurance that a run was last asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from cluster.journal import Journal
from cluster.problems import first_problem
from cluster.store import Store
from denoise.audit.assurance import Assurance
from generation.errors import UserError


def noted_assurance(store: Store, journal: Journal | None = None) -> Assurance:
    """The newest that a driver has noted, else that of run.json: it may change while a run goes on."""
    journal = journal or Journal(store.root, lambda line: None)
    if noted := journal.events("assurance"):
        return Assurance(**{name: value for name, value in noted[-1].items() if name in Assurance.model_fields})
    return Assurance.model_validate(store.run()["config"].get("assurance", {}))


def changed_assurance(store: Store, changes: Mapping[str, Any], named: Callable[[str], str]) -> Assurance:
    """What the run asks for, with `changes`; a new `risk` is the consumer's, too, unless that is told.

    Raises UserError that names a setting as `named` has it.
    """
    both = {"consumer_risk": changes["risk"]} if "risk" in changes else {}
    try:
        return Assurance.model_validate(noted_assurance(store).model_dump() | both | dict(changes))
    except ValidationError as error:
        field, rule = first_problem(error, Assurance).split(": ", 1)
        raise UserError(f"{'assurance' if field == 'task' else named(field)}: {rule}") from None

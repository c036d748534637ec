"""The assurance that a run was last asked for."""

from __future__ import annotations

from cluster.journal import Journal
from cluster.store import Store
from denoise.audit.assurance import Assurance


def noted_assurance(store: Store, journal: Journal | None = None) -> Assurance:
    """The newest that a driver has noted, else that of run.json: it may change while a run goes on."""
    journal = journal or Journal(store.root, lambda line: None)
    if noted := journal.events("assurance"):
        return Assurance(**{name: value for name, value in noted[-1].items() if name in Assurance.model_fields})
    return Assurance.model_validate(store.run()["config"].get("assurance", {}))

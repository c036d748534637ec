"""Where a run's texts and students come from, and under what terms: told on cards, checked when they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.checked import has_kept_pool_rows
from cluster.config import TaskConfig
from cluster.journal import Journal
from cluster.licence_settings import LicenceSettings
from cluster.store import Store
from generation.errors import UserError, clip
from generation.licences import terms_of
from generation.methods import METHODS
from generation.models import EMBEDDED_ENCODER, EMBEDDED_LM

_KNOWN = {EMBEDDED_LM: "Apache-2.0", EMBEDDED_ENCODER: "Apache-2.0"}
_ACCEPTED = "licence"  # the journal's event


@dataclass(frozen=True)
class Link:
    """One thing that a dataset or student was made from; `part` is the field of `licences` that tells of it."""

    part: str
    what: str
    licence: str | None
    demanded: bool = False

    @property
    def problem(self) -> str | None:
        """Why it keeps an export back; None: it does not."""
        if self.licence is None:
            return "is not stated" if self.demanded else None
        if (terms := terms_of(self.licence)) is None:
            return f"{clip(self.licence)} is not known here"
        return f"{clip(self.licence)}: {terms.note}" if terms.verdict == "forbids" else None

    @property
    def told(self) -> str:
        """For a card."""
        if self.licence is None:
            return "not stated"
        terms = terms_of(self.licence)
        note = "terms not known to labelmill" if terms is None else terms.note
        return f"{self.licence} ({note})" if note else self.licence


@dataclass(frozen=True)
class Override:
    """Who took it on themselves to pass something on all the same, and why; `terms` is licence or "" by part."""

    who: str
    why: str
    terms: Mapping[str, str]

    @classmethod
    def read(cls, said: str, links: Sequence[Link]) -> Override:
        """From "who: why". Raises UserError."""
        who, colon, why = (part.strip() for part in said.partition(":"))
        if not (who and colon and why):
            raise UserError(f'--accept-licence: must say "who: why"; got {clip(said)}')
        return cls(who, why, {link.part: link.licence or "" for link in links if link.problem})

    def covers(self, link: Link) -> bool:
        """Whether it was said of this part under these terms."""
        return self.terms.get(link.part) == (link.licence or "")


def chain_of(store: Store) -> tuple[Link, ...]:
    """What the run's texts and students come from, the first source first."""
    run, told = store.run(), noted_licences(store)
    return links_of(run.get("config", {}), told, has_kept_pool_rows(store))


def links_of(config: Mapping[str, Any], told: LicenceSettings, fed: bool = False) -> tuple[Link, ...]:
    """The chain of a task, whose settings are given as run.json has them; `fed`: it has rows of pools all the same."""
    generation, server = config.get("generation", {}), config.get("server", {})
    model = config.get("model", EMBEDDED_LM)
    if server.get("url"):
        generator = Link("generator", f"{server.get('model')} on a server", told.generator, True)
    else:
        generator = Link("generator", str(model), told.generator or _KNOWN.get(model), model not in _KNOWN)
    encoder = config.get("student", {}).get("model", EMBEDDED_ENCODER)
    links = [Link("seeds", "seeds", told.seeds)]
    if config.get("pool") or fed:
        links.append(Link("pool", "unlabelled texts", told.pool))
    links.append(generator)
    links += _adapters(generation, generator, told)
    return (*links, Link("encoder", str(encoder), told.encoder or _KNOWN.get(encoder)))


def unstated(config: TaskConfig) -> list[str]:
    """Warnings of what an export will demand."""
    links = links_of(config.model_dump(mode="json"), config.licences)
    return [
        f"licences.{link.part}: of {link.what} {link.problem}; `labelmill export` asks for it"
        for link in links
        if link.problem
    ]


def noted_licences(store: Store, journal: Journal | None = None) -> LicenceSettings:
    """The newest that a driver has noted, else those of run.json: they may be stated later."""
    journal = journal or Journal(store.root, lambda line: None)
    if noted := journal.events("licences"):
        return LicenceSettings(**{name: noted[-1].get(name) for name in LicenceSettings.model_fields})
    return LicenceSettings.model_validate(store.run().get("config", {}).get("licences", {}))


def check_licences(store: Store, said: str | None = None) -> tuple[tuple[Link, ...], tuple[Override, ...]]:
    """The chain, and the overrides that cover its problems. Raises UserError where one is not covered.

    `said` is a new override, "who: why". Nothing is written: `note_override` does, before anything leaves.
    """
    links = chain_of(store)
    overrides = [*noted_overrides(store), *([Override.read(said, links)] if said else [])]
    needed: list[Override] = []
    for link in links:
        if link.problem is None:
            continue
        if (found := next((each for each in reversed(overrides) if each.covers(link)), None)) is None:
            raise UserError(
                f"{store.root}: licences.{link.part}: of {link.what} {link.problem}; state it in the task and run it "
                'again, or take it on yourself with --accept-licence "who: why"'
            )
        needed += [] if found in needed else [found]
    return links, tuple(needed)


def noted_overrides(store: Store) -> list[Override]:
    """All overrides that were recorded, the oldest first."""
    events = Journal(store.root, lambda line: None).events(_ACCEPTED)
    return [Override(each["who"], each["why"], each["terms"]) for each in events]


def note_override(store: Store, said: str | None) -> None:
    """Record an override in the run's log, where there was something to override."""
    if said and (override := Override.read(said, chain_of(store))).terms:
        Journal(store.root, lambda line: None).note(
            _ACCEPTED, who=override.who, why=override.why, terms=dict(override.terms)
        )


def _adapters(generation: Mapping[str, Any], base: Link, told: LicenceSettings) -> list[Link]:
    if generation.get("adapters"):
        return [Link("adapters", f"adapters that were brought, of {base.what}", told.adapters, True)]
    method = METHODS.get(generation.get("method", "prompted"))
    if method is not None and method.adapting is not None:
        return [Link("generator", f"adapters trained on the seeds, of {base.what}", base.licence, base.demanded)]
    return []

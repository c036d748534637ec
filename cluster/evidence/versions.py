"""Which dataset version leaves a run: where an assurance is stated, one that people have released."""

from __future__ import annotations

import re
from typing import Any

from cluster.audit.lots import decision_of, lot_numbers, released_version
from cluster.audit.noted import noted_assurance
from cluster.dataset import newest_version
from cluster.evidence.lineage import versions_of
from cluster.store import Store
from denoise.audit.assurance import Assurance
from generation.errors import UserError, clip


def version_to_take(store: Store, version: str | None = None, unreleased: bool = False) -> str:
    """`version`, else the released one, else, where none need be, the newest. Raises UserError.

    One must be released where the task states an assurance of its own or a lot was drawn, unless `unreleased`.
    """
    known = versions_of(store)
    if not known:
        raise UserError(f"{store.root}: has no dataset yet; `labelmill run` makes one")
    if version is not None and version not in known:
        raise UserError(f"{store.root}: --version: must be one of {', '.join(known)}; got {clip(version)}")
    must = not unreleased and states_assurance(store)
    if version is None and unreleased:
        return newest_version(store) or known[-1]
    chosen = version or released_version(store)
    if chosen is None and not must:
        return newest_version(store) or known[-1]
    if must and (chosen is None or not is_released(store, chosen)):
        what = "no version is" if chosen is None else f"{chosen} is not"
        raise UserError(
            f"{store.root}: states an assurance, and {what} released: `labelmill review` and `labelmill audit release` "
            "come first, or --unreleased"
        )
    assert chosen is not None
    return chosen


def states_assurance(store: Store) -> bool:
    """Whether somebody has asked for more than nothing: by settings other than the defaults, or by a lot."""
    return bool(lot_numbers(store)) or noted_assurance(store) != Assurance()


def lot_of_version(store: Store, version: str) -> dict[str, Any] | None:
    """decision.json of the lot that made a version, with its `lot`; None: no lot did."""
    found = re.search(r"-lot(\d+)$", version)
    decision = decision_of(store, int(found[1])) if found else None
    return {**decision, "lot": int(found[1])} if found and decision else None


def is_released(store: Store, version: str) -> bool:
    """Whether the lot that made a version has passed."""
    return (lot_of_version(store, version) or {}).get("state") == "passed"

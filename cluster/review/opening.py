"""A run opened for review: its desk, and how its rows are shown."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from cluster.review.cases import Case
from cluster.review.desk import Desk
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.loading import LOADING
from cluster.review.nearest import Embed, NearestSeeds, Seed
from cluster.review.toxic import toxic_rows
from cluster.review.views import Views
from cluster.review.work import Work
from cluster.store import Store
from generation.errors import UserError
from generation.location import Location
from training.folders import is_whole, local_folder


def open_desk(store: Store, work: Work, lease_minutes: float) -> tuple[Desk, Views]:
    """Reads what is committed, once. Raises UserError."""
    desk = Desk(Ledger(store), work, Leases(60 * lease_minutes))
    return desk, open_views(store, desk.cases.values())


def open_views(store: Store, cases: Iterable[Case]) -> Views:
    """How rows of a run are shown; of `cases` those that may offend are found."""
    run = store.run()
    listed = {seed["text"]: Seed(seed["text"], seed["label"] or "") for seed in store.read_json("seeds.json") or []}
    folder = encoder_of(store)
    nearest = NearestSeeds([*listed.values()], _loader(folder) if folder else None)
    spared = run.get("config", {}).get("denoise", {}).get("filters", {}).get("toxic_labels", ())
    return Views(run, nearest, toxic_rows(cases, spared))


@contextlib.contextmanager
def alone(store: Store) -> Iterator[None]:
    """While it lasts no other page or import writes to the run; a run on an object store has no such lock.

    Raises UserError. The kernel frees the lock when its holder dies, however it dies.
    """
    if not isinstance(store.root, Path):
        yield
        return
    with (store.root / "review.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{store.root}: a review of this run is open already; close it first") from None
        yield


def encoder_of(store: Store) -> Location | None:
    """The newest student's folder, else the judge's; None: the run has neither yet."""
    rounds = store.rounds()
    folders = [store.folder(number, "student") for number in reversed(rounds)]
    folders += [store.folder(number, "judge") for number in rounds[:1]]
    return next((folder for folder in folders if is_whole(folder)), None)


def _loader(folder: Location) -> Callable[[], Embed]:
    def load() -> Embed:
        with LOADING:
            from training.encoder import Encoder  # loads torch, which takes seconds

            encoder = Encoder.load(local_folder(folder))
        return lambda texts: np.asarray(encoder.embed(texts))

    return load

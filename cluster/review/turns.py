"""Whose turn it is at what: leases, and what people have skipped, in a file of the run so that a new server goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from cluster.review.leases import Leases
from cluster.store import Store

_TICK = timedelta(milliseconds=1)


class Turns:
    """Things are told apart by their ids. Who changes anything holds `lock`."""

    def __init__(self, store: Store, file: str, leases: Leases, now: Callable[[], datetime] | None = None) -> None:
        self.lock = threading.RLock()
        self._store, self._file, self._leases = store, file, leases
        self._now = now or (lambda: datetime.now(UTC))
        self._latest: datetime | None = None
        saved = store.read_json(file) or {}
        leases.load(saved.get("leases", {}))
        self._skipped = {who: list(ids) for who, ids in saved.get("skipped", {}).items()}

    def at(self, who: str) -> str | None:
        """What a person has now."""
        return self._leases.row_of(who)

    def others(self, id: str, who: str) -> set[str]:
        """Who else has it now."""
        return self._leases.holders(id) - {who}

    def take(self, id: str, who: str) -> None:
        """It is this person's for a while."""
        self._leases.take(id, who)
        self._save()

    def renew(self, id: str, who: str) -> None:
        """The person is still at it."""
        self._leases.take(id, who)

    def release(self, who: str) -> None:
        """What the person has becomes free. Told to nobody: as it was saved, it does no harm to what is answered."""
        self._leases.release(who)

    def skip(self, id: str, who: str) -> None:
        """Leave it to others, or for later."""
        if id not in (skipped := self._skipped.setdefault(who, [])):
            skipped.append(id)
        self._leases.release(who)
        self._save()

    def skipped(self, who: str) -> tuple[str, ...]:
        """What a person has skipped."""
        return tuple(self._skipped.get(who, ()))

    def take_up_skipped(self, who: str) -> None:
        """Forget what a person has skipped."""
        self._skipped.pop(who, None)
        self._save()

    def note(self, moments: Iterable[datetime | None]) -> None:
        """What was done before: `moment` is later than all of it."""
        self._latest = max((each for each in (*moments, self._latest) if each), default=None)

    def moment(self) -> datetime:
        """Now, in whole milliseconds as the schema has them, and later than any moment before."""
        now = self._now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if self._latest and now <= self._latest:
            now = self._latest + _TICK
        self._latest = now
        return now

    def _save(self) -> None:
        self._store.write_json(self._file, {"leases": self._leases.dump(), "skipped": self._skipped})

"""One call of `labelmill forget`: what was begun is finished first, alone with the run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from cluster.forgetting.forgetting import finish, forget, lots_with, plan
from cluster.forgetting.learners import retrainable, take_away
from cluster.forgetting.nested import nested_stores
from cluster.forgetting.pending import named_students
from cluster.forgetting.telling import render_done, render_plan
from cluster.lease import lease_of
from cluster.review.opening import alone
from cluster.store import Store
from generation.errors import UserError


def preview(store: Store, ids: Sequence[str], who: str, why: str, with_children: bool, retrain: bool) -> str:
    """What would go; nothing is written. Raises UserError."""
    told, found = plan(store, ids, who, why, with_children, retrain)
    return render_plan(told, found, lots_with(store, told.ids))


def call(store: Store, ids: Sequence[str], who: str, why: str, with_children: bool, retrain: bool) -> str:
    """Erase, and say what went. Raises UserError, also while somebody else works on the run."""
    with _held(store):
        begun = finish(store)
        left = [id for id in ids if not _is_gone(store, id)] if begun else ids
        lines = [render_done(begun)] if begun else []
        if left:
            told, found = plan(store, left, who, why, with_children, retrain)
            lots = lots_with(store, told.ids)
            forget(store, told)
            lines.append(render_done(told, found, lots))
        elif retrain and not begun:
            lines.append(_retrain(store))
        if not lines:
            raise UserError(f"{store.root}: forget needs an ID; nothing was begun that could be finished")
    return "\n".join(lines)


@contextlib.contextmanager
def _held(store: Store) -> Iterator[None]:
    """While it lasts no driver, page, import, `explain` or `suggest` works on the run."""
    lease = lease_of(store.root)
    with contextlib.ExitStack() as stack:
        stack.enter_context(lease)
        stack.enter_context(alone(store))
        for nested in nested_stores(store):
            stack.enter_context(lease_of(nested.root))
        store.fence = lease.check
        yield


def _is_gone(store: Store, id: str) -> bool:
    return any(each["id"].startswith(id) for each in store.forgotten())


def _retrain(store: Store) -> str:
    """Take the newest student away where an earlier call has named it."""
    if not (student := retrainable(store, named_students(store))):
        raise UserError(f"{store.root}: the newest round has no student that learnt from rows forgotten since")
    take_away(store, student)
    return f"{student} is taken away: `labelmill run TASK` trains another"

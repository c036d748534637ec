"""What goes, what stays, and what has learnt from it, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cluster.forgetting.pending import Forgetting
from cluster.forgetting.targets import Found
from cluster.visible import visible
from generation.errors import clip

SHOWN = 40  # rows of a list


def render_plan(told: Forgetting, found: Found, lots: Sequence[int]) -> str:
    """Before anything is erased: with texts."""
    return "\n".join(
        [
            f"{len(told.rows)} rows would go",
            *_cut(f"  {row.id}  {reason}: {_text(row.texts[0])}" for row, reason in found.going.values()),
            *_kin(found),
            *_touched(told, lots),
            *_learners(told),
        ]
    )


def render_done(told: Forgetting, found: Found | None = None, lots: Sequence[int] = ()) -> str:
    """Afterwards."""
    lines = [f"{len(told.rows)} rows are forgotten", *_cut(f"  {row.id}  {row.reason}" for row in told.rows)]
    return "\n".join([*lines, *(_kin(found) if found else []), *_touched(told, lots), *_learners(told)])


def _kin(found: Found) -> Iterator[str]:
    if found.kin:
        yield f"{len(found.kin)} rows stay that may need a look (--with-children takes those made from it)"
        yield from _cut(f"  {row.id}  {reason}: {_text(row.texts[0])}" for row, reason in found.kin.values())
    for text in found.own:
        yield f"in the task itself, and so in its prompts: {_text(text)}; take it out there, and begin another run"


def _touched(told: Forgetting, lots: Sequence[int]) -> Iterator[str]:
    if told.versions:
        yield f"dataset versions: {', '.join(told.versions)}"
    if lots:
        yield f"lots: {', '.join(map(str, lots))}"


def _learners(told: Forgetting) -> Iterator[str]:
    if not (models := [*told.students, *told.adapters]):
        return
    yield f"learnt from it, and stay: {', '.join(models)}; so does what was exported"
    if told.retrain:
        yield f"{told.retrain} is taken away: `labelmill run TASK` trains another"
    elif told.students:
        yield "a new student: `labelmill forget RUN --retrain`, then `labelmill run TASK`"


def _cut(lines: Iterable[str]) -> list[str]:
    listed = list(lines)
    return listed if len(listed) <= SHOWN else [*listed[:SHOWN], f"  and {len(listed) - SHOWN:,} more"]


def _text(text: str) -> str:
    return clip(visible(text, keep=""), 80)

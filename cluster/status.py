"""`labelmill status`: where a run stands, read from its directory alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.aiming import describe, read_aim
from cluster.feed.record import generating
from cluster.feed.telling import fed_so_far
from cluster.journal import Journal
from cluster.lease import is_held, read_lease
from cluster.metrics import cost_of, noted_prices
from cluster.promotion import promoted_round
from cluster.rounds import accepted_per_label
from cluster.store import Store


@dataclass(frozen=True)
class Status:
    """State of a run: "running", "stopped" (unfinished, no driver) or "finished"; counts over all rounds.

    What feeds brought counts in `fed`, and not in `accepted`: no label's quota asked for it.

    `student` is the round whose student is promoted, `aim` what the newest round leans to, `decision` why no further
    one came after it.
    """

    name: str
    state: str
    driver: dict[str, Any] | None
    rounds: int
    requests: int
    open_requests: int
    set_aside: int
    rows: int
    judged: int
    accepted: dict[str, int]
    wanted: dict[str, int]
    cost: float | None = None
    student: int | None = None
    aim: str | None = None
    decision: str | None = None
    fed: dict[str, int] | None = None

    @property
    def cost_per_accepted_row(self) -> float | None:
        """None without prices or rows."""
        accepted = sum(self.accepted.values())
        return self.cost / accepted if self.cost is not None and accepted else None


def read_status(store: Store) -> Status:
    """Raises UserError when the store is not a run directory."""
    run, numbers = store.run(), store.rounds()
    records = [store.read_json(f"rounds/{number:03d}/round.json") for number in numbers]
    finished = bool(numbers) and store.read_json(f"rounds/{numbers[-1]:03d}/metrics.json") is not None
    held = is_held(store.root)
    names = [label["name"] for label in run["labels"]]
    accepted = accepted_per_label(store, generating(store))
    journal = Journal(store.root, lambda line: None)
    last = store.read_json(f"rounds/{numbers[-1]:03d}/metrics.json") or {} if numbers else {}
    aim = read_aim(records[-1].get("aim")) if records else None
    return Status(
        name=run["name"],
        state="running" if held else "finished" if finished else "stopped",
        driver=read_lease(store.root) if held else None,
        rounds=len(numbers),
        requests=sum(store.requests(number, ["request_id"]).num_rows for number in numbers),
        open_requests=sum(1 for number in numbers for _ in store.open_requests(number)),
        set_aside=sum(store.aside(number).num_rows for number in numbers),
        rows=sum(store.generated(number, ["id"]).num_rows for number in numbers),
        judged=sum(store.verdicts(number).num_rows for number in numbers),
        accepted={name: accepted[name] for name in names},
        wanted={name: sum(record["targets"].get(name, 0) for record in records) for name in names},
        cost=sum(cost_of(store, journal, each) for each in numbers) if noted_prices(journal) else None,
        student=promoted_round(store),
        aim=describe(aim, records[-1]["targets"]) if aim else None,
        decision=(last.get("decision") or {}).get("why") or None,
        fed=fed_so_far(store),
    )


def render_status(status: Status) -> str:
    """Plain lines for a terminal."""
    driver = f" (driver pid {status.driver['pid']} on {status.driver['host']})" if status.driver else ""
    aside = f", {status.set_aside} set aside" if status.set_aside else ""
    lines = [
        f"{status.name}: {status.state}{driver}",
        f"rounds {status.rounds}, requests {status.requests} ({status.open_requests} open{aside}), "
        f"rows {status.rows} ({status.judged} judged)",
    ]
    if status.cost is not None:
        each = status.cost_per_accepted_row
        lines.append(f"cost {status.cost:.4g}" + (f", {each:.4g} per accepted row" if each is not None else ""))
    if status.aim:
        lines.append(f"round {status.rounds - 1} aims at {status.aim}")
    if status.decision:
        lines.append(f"no further round: {status.decision}")
    if status.student is not None:
        lines.append(f"student of round {status.student}")
    if fed := status.fed:
        lines.append(
            f"pools: {fed['joined']} rows joined of {fed['rows']}"
            f" in {fed['feeds']} feed{'s' if fed['feeds'] > 1 else ''}; "
            f"{fed['for_people']} for people, {fed['waits']} waiting, {fed['out_of_scope']} out of scope"
        )
    width = max(map(len, status.accepted), default=0)
    lines += [f"  {name:<{width}}  {count:>6} / {status.wanted[name]}" for name, count in status.accepted.items()]
    return "\n".join(lines)

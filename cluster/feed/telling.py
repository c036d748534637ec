"""What a feed came to, in lines; and what all of a run's feeds came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from cluster.checked import POOL
from cluster.feed.drift import told
from cluster.feed.record import FOR_PEOPLE, OUT_OF_SCOPE, WAITS, feed_numbers, summary_of
from cluster.store import Store
from generation.records import KEPT

_LEFT_OUT = {"known": "known", "test": "of test rows", "repeated": "repeated", "blank": "blank"}


def render(summary: Mapping[str, Any], run: str) -> str:
    """Lines for a person, with what to do next."""
    states = summary["states"]
    left_out = ", ".join(f"{states[state]} {word}" for state, word in _LEFT_OUT.items() if states.get(state))
    why = ", ".join(f"{count} {name}" for name, count in summary["picked"].items())
    near = summary.get("near_known", 0), summary.get("near_test", 0)
    lines = [
        f"pool      {summary['rows']} rows, {states.get('open', 0)} new" + (f" ({left_out})" if left_out else ""),
        f"          {summary['out_of_scope_share']:.1%} of them out of scope",
        *(f"          {line}" for line in told(summary["drift"])),
        f"picked    {sum(summary['picked'].values())}" + (f": {why}" if why else ""),
    ]
    if any(near):
        lines.append(f"          {near[0]} left out as nearly known, {near[1]} as nearly test rows")
    wrong = summary["expected_wrong"]
    lines.append(f"joined    {summary['joined']}" + ("" if wrong is None else f", {wrong:.1%} of them expected wrong"))
    if summary["joined_from_earlier"]:
        lines.append(f"          and {summary['joined_from_earlier']} that had waited")
    looks, more = summary["looks_for_all"], summary.get("for_people_from_earlier")
    enough = "no number of looks is enough for all to join" if looks is None else f"{looks} looks would let all join"
    lines += [
        f"people    {summary['for_people']} rows" + (f", {more} that had waited" if more else "") + f" ({enough})",
        f"waiting   {summary['waiting']}; out of scope {summary['out_of_scope']}",
    ]
    if summary["for_people"] or more:
        lines.append(f"next      labelmill review --pool {run}")
    lines.append(f"then      labelmill run, whose student learns from what joined (round {summary['round']})")
    return "\n".join(lines)


def fed_so_far(store: Store) -> dict[str, int] | None:
    """How many rows a run's finished feeds looked at, and where their picks stand now; None: it has none."""
    summaries = [summary for number in feed_numbers(store) if (summary := summary_of(store, number))]
    if not summaries:
        return None
    found: Counter[str] = Counter()
    for number in store.rounds():
        rows = store.generated(number, ["id", "source"])
        mine = rows.filter(pc.equal(rows["source"], POOL))["id"].combine_chunks()
        verdicts = store.verdicts(number)
        verdicts = verdicts.filter(pc.is_in(verdicts["id"], value_set=mine)).select(["status", "reason"])
        found.update("joined" if row["status"] in KEPT else row["reason"] for row in verdicts.to_pylist())
    names = ("joined", FOR_PEOPLE, WAITS, OUT_OF_SCOPE)
    rows_seen = sum(each["rows"] for each in summaries)
    return {"feeds": len(summaries), "rows": rows_seen, **{name: found[name] for name in names}}

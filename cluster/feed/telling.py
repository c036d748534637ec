"""What a feed came to, in lines; and what all of a run's feeds came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.feed.drift import told
from cluster.feed.record import feed_numbers, summary_of
from cluster.store import Store

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
    looks = summary["looks_for_all"]
    enough = "no number of looks is enough for all to join" if looks is None else f"{looks} looks would let all join"
    lines += [
        f"people    {summary['for_people']} rows ({enough})",
        f"waiting   {summary['waiting']}; out of scope {summary['out_of_scope']}",
    ]
    if summary["for_people"]:
        lines.append(f"next      labelmill review --pool {run}")
    lines.append(f"then      labelmill run, whose student learns from what joined (round {summary['round']})")
    return "\n".join(lines)


def fed_so_far(store: Store) -> dict[str, int] | None:
    """Sums over a run's feeds as they were decided; None: it has none."""
    summaries = [summary for number in feed_numbers(store) if (summary := summary_of(store, number))]
    if not summaries:
        return None
    names = ("rows", "joined", "joined_from_earlier", "for_people", "waiting", "out_of_scope")
    return {"feeds": len(summaries), **{name: sum(each[name] for each in summaries) for name in names}}

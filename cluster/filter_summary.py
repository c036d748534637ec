"""What `labelmill filter` did, for a file and for the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from denoise.settings import DenoiseSettings
from generation.errors import clip


def sum_up(
    counts: Counter[tuple[str | None, str | None]],
    examples: Mapping[str, Sequence[tuple[str, str]]],
    filters: Sequence[str],
    corrupt: Sequence[str],
    settings: DenoiseSettings,
) -> dict[str, Any]:
    """Contents of summary.json; `counts` are rows by label and reason, None for those kept."""
    reasons, labels = Counter[str](), dict[str, dict[str, Any]]()
    for (label, reason), count in sorted(counts.items(), key=lambda item: [part or "" for part in item[0]]):
        if label is not None:
            of_label = labels.setdefault(label, {"rows": 0, "kept": 0, "reasons": {}})
            of_label["rows"] += count
            of_label["kept"] += count if reason is None else 0
            of_label["reasons"] |= {reason: count} if reason else {}
        if reason is not None:
            reasons[reason] += count
    ordered = sorted(reasons, key=lambda reason: (-reasons[reason], reason))
    return {
        "rows": sum(counts.values()),
        "kept": sum(count for (_, reason), count in counts.items() if reason is None),
        "reasons": {
            reason: {
                "rows": reasons[reason],
                "examples": [{"id": id, "text": text} for id, text in examples[reason]],
            }
            for reason in ordered
        },
        "labels": labels,
        "filters": list(filters),
        "corrupt": list(corrupt),
        "settings": settings.model_dump(mode="json"),
    }


def render_summary(summary: Mapping[str, Any]) -> str:
    """The counts as a table, the reason that cost most first."""
    rows = summary["rows"]
    lines = [
        f"{summary['kept']:,} of {rows:,} rows kept ({summary['kept'] / rows:.1%})" if rows else "no rows were read"
    ]
    for reason, found in summary["reasons"].items():
        shown = found["examples"][0]["text"] if found["examples"] else ""
        lines.append(f"  {reason:<20} {found['rows']:>9,}  {found['rows'] / rows:>6.1%}  {clip(shown)}")
    if summary["corrupt"]:
        lines.append(f"{len(summary['corrupt'])} corrupt parts left out: {summary['corrupt'][0]}")
    return "\n".join(lines)

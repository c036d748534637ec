"""What `labelmill doctor` found, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `remedy` is empty where nothing is to be done."""

    name: str
    status: Literal["ok", "warn", "missing"]
    detail: str
    remedy: str = ""


def render(findings: Sequence[Finding]) -> str:
    """Aligned plain text: a line for each finding, its remedy on the line below."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:7}  {finding.name:{width}}  {finding.detail}".rstrip())
        if finding.remedy:
            lines.append(f"{'':7}  {'':{width}}  -> {finding.remedy}")
    return "\n".join(lines)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something is missing, else 0."""
    return int(any(finding.status == "missing" for finding in findings))

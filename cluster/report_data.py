"""The numbers behind the report: pure functions from a run's tables to `ReportData`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from cluster.report_flow import ASIDE, Fate, Flow, fates_of, flows_of, reasons_of
from cluster.report_samples import Sample, Verdict, examples_of, pick_samples
from cluster.report_scores import Test, newest_test
from generation.records import latest_verdicts


@dataclass(frozen=True)
class ReportData:
    """All that the report shows. `labels` are in task order, then any others that rows carry.

    `examples` are texts that were dropped, by reason; `audit` is what people checked (cluster.audit.standing).
    """

    run: Mapping[str, Any]
    labels: tuple[str, ...]
    requests: int
    seeds: int
    reasons: tuple[str, ...]
    flows: tuple[Flow, ...]
    samples: tuple[Sample, ...]
    metrics: tuple[Mapping[str, Any], ...]
    tokens: Mapping[str, int]
    seconds: Mapping[str, float]
    test: Test | None
    cost: float | None = None
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    audit: Mapping[str, Any] | None = None

    @property
    def total(self) -> Flow:
        """All labels together."""
        return Flow(
            label="all labels",
            generated=sum(flow.generated for flow in self.flows),
            losses=tuple(sum(flow.losses[i] for flow in self.flows) for i in range(len(self.reasons))),
            moved_away=sum(flow.moved_away for flow in self.flows),
            confirmed=sum(flow.confirmed for flow in self.flows),
            moved_in=sum(flow.moved_in for flow in self.flows),
            quota=sum(flow.quota or 0 for flow in self.flows) or None,
        )


def report_data(
    run: Mapping[str, Any],
    requests_count: int,
    rows: pa.Table,
    verdicts: pa.Table,
    metrics: Sequence[Mapping[str, Any]],
    seeds: Mapping[str, str],
    audit: Mapping[str, Any] | None = None,
) -> ReportData:
    """The report's numbers from run.json, ROW_SCHEMA rows, VERDICT_SCHEMA verdicts (all revisions) and metrics.json.

    `seeds` gives the text of each seed id. Rows without a verdict count as waiting; verdicts of other ids are ignored.
    """
    holding = {verdict["id"]: verdict for verdict in _holding(verdicts)}
    fates = fates_of(rows, holding)
    labels = _labels(run, fates)
    reasons = reasons_of(fates)
    tokens = _sums(metric.get("tokens") for metric in metrics) or _row_tokens(rows)
    return ReportData(
        run=run,
        labels=labels,
        requests=requests_count,
        seeds=len(seeds),
        reasons=reasons,
        flows=flows_of(fates, labels, reasons, metrics),
        samples=pick_samples(rows, holding, [(fate.intended, fate.final, fate.loss) for fate in fates], labels, seeds),
        metrics=tuple(metrics),
        tokens=tokens,
        seconds=_sums(metric.get("seconds") for metric in metrics),
        test=newest_test(metrics, [label for label in labels if label in _task_labels(run)]),
        cost=_sums(metric.get("cost") for metric in metrics).get("total"),
        examples=examples_of(rows, [fate.loss for fate in fates], [name for name in reasons if name not in ASIDE]),
        audit=audit,
    )


def _holding(verdicts: pa.Table) -> list[Verdict]:
    newest = latest_verdicts(verdicts)
    return newest.select(["id", "label", "status", "reason", "scores", "survivor_id", "auditor"]).to_pylist()


def _task_labels(run: Mapping[str, Any]) -> list[str]:
    return [label["name"] for label in run.get("labels", ())]


def _labels(run: Mapping[str, Any], fates: Iterable[Fate]) -> tuple[str, ...]:
    named = _task_labels(run)
    seen = {label for fate in fates for label in (fate.intended, fate.final)}
    return (*named, *sorted(seen - set(named)))


def _sums(rounds: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for values in rounds:
        for name, value in (values or {}).items():
            total[name] = total.get(name, 0) + (value or 0)
    return total


def _row_tokens(rows: pa.Table) -> dict[str, int]:
    columns = {"prompt": "prompt_tokens", "output": "output_tokens"}
    return {name: sum(count or 0 for count in rows[column].to_pylist()) for name, column in columns.items()}

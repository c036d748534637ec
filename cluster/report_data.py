"""The numbers behind the report: pure functions from a run's tables to `ReportData`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cluster.report_curves import Curve, curves_of
from cluster.report_fates import labels_of, reasons_of
from cluster.report_flow import Flow, flows_of
from cluster.report_maps import DataMap, RowMap, data_map, row_map
from cluster.report_samples import Sample
from cluster.report_scores import Test, newest_test
from cluster.report_summary import Summary


@dataclass(frozen=True)
class ReportData:
    """All that the report shows. `labels` are in task order, then any others that rows carry.

    `rows` is what was counted and shown of rows; `audit` is what people checked (cluster.audit.standing). `rowmap` and
    `datamap` are there when the newest round has a map (cluster.mapping).
    """

    run: Mapping[str, Any]
    labels: tuple[str, ...]
    requests: int
    seeds: int
    reasons: tuple[str, ...]
    flows: tuple[Flow, ...]
    rows: Summary
    metrics: tuple[Mapping[str, Any], ...]
    tokens: Mapping[str, int]
    seconds: Mapping[str, float]
    test: Test | None
    cost: float | None = None
    dev: Mapping[str, Any] | None = None
    audit: Mapping[str, Any] | None = None
    curves: tuple[Curve, ...] = ()
    rowmap: RowMap | None = None
    datamap: DataMap | None = None

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Rows with their lineage."""
        return self.rows.samples

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
    rows: Summary,
    metrics: Sequence[Mapping[str, Any]],
    seeds: int,
    audit: Mapping[str, Any] | None = None,
    audited: Sequence[Mapping[str, Any]] = (),
    places: pa.Table | None = None,
    promoted: int | None = None,
) -> ReportData:
    """The report's numbers from run.json, what was counted of rows, metrics.json of each round, and so many seeds.

    `audited` is what people found by round (cluster.audit.standing.audited_noise), `places` the newest map.
    The student that is shown is that of round `promoted`, of the newest one where none is named or measured.
    """
    named = task_labels(run)
    measured = [metric for metric in metrics if metric.get("round") == promoted and metric.get("test")]
    labels, reasons = labels_of(named, rows.counts), reasons_of(rows.counts)
    return ReportData(
        run=run,
        labels=labels,
        requests=requests_count,
        seeds=seeds,
        reasons=reasons,
        flows=flows_of(rows.counts, labels, reasons, metrics),
        rows=rows,
        metrics=tuple(metrics),
        tokens=_sums(metric.get("tokens") for metric in metrics) or dict(rows.tokens),
        seconds=_sums(metric.get("seconds") for metric in metrics),
        test=newest_test(measured or metrics, [label for label in labels if label in named]),
        dev=next((metric["dev"] for metric in reversed(measured or metrics) if metric.get("dev")), None),
        cost=_sums(metric.get("cost") for metric in metrics).get("total"),
        audit=audit,
        curves=curves_of(metrics, audited),
        rowmap=None if places is None else row_map(places, labels),
        datamap=None if places is None else data_map(places),
    )


def task_labels(run: Mapping[str, Any]) -> list[str]:
    """Names of the task's labels, in its order."""
    return [label["name"] for label in run.get("labels", ())]


def _sums(rounds: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for values in rounds:
        for name, value in (values or {}).items():
            total[name] = total.get(name, 0) + (value or 0)
    return total

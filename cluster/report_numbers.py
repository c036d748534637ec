"""The report for programs: the keys are told in docs/report.md, and none is taken away without another FORM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.report_curves import accepted_of
from cluster.report_data import ReportData
from cluster.report_flow import Flow
from cluster.report_scores import Score, newest_test

FORM = 1
_RUN = ("run_id", "name", "description", "kind", "created")
_FIGURES = ("auroc", "calibration", "risk_coverage", "slices", "truncated", "intervals")


def numbers_of(view: ReportData) -> dict[str, Any]:
    """All that the page says but for sample rows and their lineage, JSON-ready."""
    return {
        "form": FORM,
        "run": {name: view.run.get(name) for name in _RUN},
        "seeds": view.seeds,
        "requests": view.requests,
        "rows": _flow(view.total, view.reasons) | {"counted": view.rows.rows, "texts_from": view.rows.sampled},
        "labels": {flow.label: _flow(flow, view.reasons) for flow in view.flows},
        "tokens": dict(view.tokens),
        "seconds": dict(view.seconds),
        "cost": view.cost,
        "rounds": [_round(metric, number) for number, metric in enumerate(view.metrics)],
        "curves": {
            curve.title: {line.name: [value._asdict() for value in line.values] for line in curve.lines}
            for curve in view.curves
        },
        "student": _student(view),
        "audit": None if view.audit is None else dict(view.audit),
        "copies": {
            "clusters": [
                {"rows": each.rows, "exact": each.exact, "labels": dict(each.labels)}
                | {"texts": [{"text": text.text, "label": text.label, "rows": text.rows} for text in each.texts]}
                for each in view.rows.clusters
            ],
            "at_odds": view.rows.conflicts,
            "pairs": [
                {"stands": each.stands, "copy": each.copy, "rows": each.rows, "texts": [each.text, each.other]}
                for each in view.rows.conflict_pairs
            ],
        },
    }


def _flow(flow: Flow, reasons: tuple[str, ...]) -> dict[str, Any]:
    return {
        "generated": flow.generated,
        "kept": flow.kept,
        "wanted": flow.quota,
        "confirmed": flow.confirmed,
        "moved_away": flow.moved_away,
        "moved_in": flow.moved_in,
        "lost": dict(zip(reasons, flow.losses, strict=True)),
    }


def _round(metric: Mapping[str, Any], number: int) -> dict[str, Any]:
    test = newest_test([metric], [])
    best = test.best_baseline if test else None
    return {
        "round": metric.get("round", number),
        "generated": metric.get("generated"),
        "accepted": accepted_of(metric),
        "tokens": sum(count or 0 for count in (metric.get("tokens") or {}).values()),
        "seconds": sum((metric.get("seconds") or {}).values()),
        "cost": (metric.get("cost") or {}).get("total"),
        "accuracy": test.student.accuracy if test and test.student else None,
        "best_baseline": best.accuracy if best else None,
        "noise": metric.get("noise"),
        "labels_kept": metric.get("labels_kept"),
        "diversity": (metric.get("diversity") or {}).get("all"),
        "diversity_drops": metric.get("diversity_drops") or [],
        "stop_reason": metric.get("stop_reason"),
        "given_up": metric.get("given_up") or {},
    }


def _student(view: ReportData) -> dict[str, Any] | None:
    test = view.test
    if test is None:
        return None
    return {
        "round": test.round,
        "rows": test.rows,
        "near_duplicates": test.near_duplicates,
        "unseen_labels": dict(test.unseen),
        "scores": {score.name: _score(score) for score in test.scores},
        "labels": list(test.labels),
        "confusion": [list(row) for row in test.student.confusion] if test.student else [],
        **{name: test.details.get(name) for name in _FIGURES},
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "accuracy": score.accuracy,
        "low": score.low,
        "high": score.high,
        "macro_f1": score.macro_f1,
        "per_class": {label: dict(values) for label, values in score.per_class.items()},
    }

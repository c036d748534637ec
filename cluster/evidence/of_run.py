"""What can be asked of a run directory, and taken from it: the evidence of `Run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cluster.store import Store

if TYPE_CHECKING:
    from cluster.audit.planning import Preview
    from cluster.evidence.exporting import Exported


class Evidence:
    """The verbs that need a run's directory and nothing of its task. All may raise UserError."""

    store: Store

    def waterfall(self) -> pa.Table:
        """Where the generated rows went: `label` that was intended, `step` and its `rows`, as in the report.

        A label's first step is "generated"; the others sum to it: each loss by its reason, "kept under another label"
        and "kept".
        """
        from cluster.report import waterfall
        from cluster.report_page import read_report

        view = read_report(self.store)
        steps = [(flow.label, step) for flow in view.flows for step in waterfall(flow, view.reasons)]
        columns = {
            "label": pa.array([label for label, _ in steps], pa.string()),
            "step": pa.array([step.name for _, step in steps], pa.string()),
            "rows": pa.array([step.rows for _, step in steps], pa.int64()),
        }
        return pa.table(columns)

    def trace(self, id: str, student: bool = True) -> dict[str, Any]:
        """All that is known of one row, JSON-able (cluster.evidence.tracing.trace); `student` loads that, too.

        `id` may be as much of an id as no other row's begins with.
        """
        from cluster.evidence.tracing import student_view, trace

        return trace(self.store, id, student_view if student else None)

    def audit_plan(self, **changes: float | str) -> Preview:
        """How many rows people would check of the newest dataset, and what that is worth; nothing is written.

        `changes` are settings of `assurance` in the task file, such as accept="1%", for those of the run.
        """
        from cluster.audit.noted import changed_assurance
        from cluster.audit.planning import preview_plan

        return preview_plan(self.store, changed_assurance(self.store, changes, "assurance.{}".format))

    def export(
        self,
        out: Path | str,
        format: str = "hf",
        split: str = "1",
        seed: int = 0,
        near: float = 0.5,
        version: str | None = None,
        unreleased: bool = False,
        accept_licence: str | None = None,
    ) -> Exported:
        """Write a dataset version to the new folder `out`, as `labelmill export` does: docs/evidence.md."""
        from cluster.evidence.exporting import Wanted, export_dataset
        from cluster.evidence.formats import check_format
        from cluster.evidence.layouts import FORMATS
        from cluster.evidence.shares import read_shares

        check_format(format, FORMATS)
        wanted = Wanted(str(out), format, read_shares(split), seed, near, version, unreleased, accept_licence)
        return export_dataset(self.store, wanted)

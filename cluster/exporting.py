"""A run's student, exported with its card and compared on texts of the run."""

from __future__ import annotations

from cluster.card import student_card
from cluster.forgetting.pending import refuse_unfinished
from cluster.licences import check_licences, note_override
from cluster.run import Run
from generation.location import locate
from training.export import Parity, export_student

TEXTS = 512  # of the dataset, on which ONNX is held against torch


def export_of_run(folder: str, out: str, int8: bool = True, accept: str | None = None) -> dict[str, Parity]:
    """Write the student of the run in `folder` to `out`; `accept` as `check_licences` has it.

    Raises UserError, Fault.
    """
    run = Run.open(folder)
    refuse_unfinished(run.store)
    student = run.student
    _, overrides = check_licences(run.store, accept)
    rows = run.dataset().sort_by("id").slice(0, TEXTS)
    texts = (rows["tokens"] if "tokens" in rows.column_names else rows["text"]).to_pylist()
    note_override(run.store, accept)  # first: whenever it is killed, no export is without its record
    return export_student(student, locate(out), texts, student_card(run.store, overrides), int8)

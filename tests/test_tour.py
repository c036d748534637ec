"""docs/tour.ipynb: what it shows was executed, and its code works on another run, too."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from tour import TOUR, execute

from tests.chaos.story import Story

ROOT = TOUR.parents[1]
RUN = "run"  # the tag of the cell that starts an engine
VARIES = "varies"  # of one that shows the order of examples: it hangs on all settings, also on those still to come


@pytest.fixture
def stored() -> NotebookNode:
    return nbformat.read(TOUR, as_version=4)


def code_of(tour: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in tour.cells if cell.cell_type == "code"]


def is_run(cell: NotebookNode) -> bool:
    return has_tag(cell, RUN)


def has_tag(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", ())


def printed(cell: NotebookNode) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_it_was_executed_in_order_and_nothing_went_wrong(stored: NotebookNode) -> None:
    nbformat.validate(stored)
    cells = code_of(stored)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"stream", "execute_result"}
    assert {output.name for output in outputs if output.output_type == "stream"} == {"stdout"}
    assert len([cell for cell in cells if is_run(cell)]) == 1


def test_it_says_nothing_of_the_machine_and_is_small() -> None:
    text = TOUR.read_text()
    assert re.findall(r"(?<![\w.:/<])/[A-Za-z_][\w.-]*/", text) == []  # no path from the root of any machine
    assert len(text) < 100_000


def test_its_links_lead_somewhere(stored: NotebookNode) -> None:
    links = re.findall(r"\]\(([^)#]+)", "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown"))
    assert links and [link for link in links if not (TOUR.parent / link).is_file()] == []


def test_its_code_works_on_another_run(stored: NotebookNode, story: Story, tmp_path: Path) -> None:
    """The cells before the run say again what is stored; those after it tell of a run of another task."""
    shutil.copytree(story.run, tmp_path / "run")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "docs").mkdir()
    fresh = nbformat.from_dict(stored)
    for cell in code_of(fresh):
        cell.outputs, cell.execution_count = [], None
        if is_run(cell):
            cell.source = f"RUN = Path({str(tmp_path / 'run')!r})"
    execute(fresh, tmp_path / "docs", 300)
    cells = list(zip(code_of(stored), code_of(fresh), strict=True))
    begins = next(place for place, (cell, _) in enumerate(cells) if is_run(cell))
    for place, (old, new) in enumerate(cells):
        if place < begins and not has_tag(old, VARIES):
            assert new.outputs == old.outputs
        elif place != begins:
            assert [each.output_type for each in new.outputs] == [each.output_type for each in old.outputs]
    assert printed(cells[begins + 1][1]).startswith("24 rows: 8 ")
    assert (tmp_path / "run" / "report.html").is_file() and (tmp_path / "tour-export" / "README.md").is_file()
    assert not (tmp_path / "docs" / "runs" / "tour").exists()

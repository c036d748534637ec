"""Executes docs/tour.ipynb anew, in its folder, and keeps the outputs.

    python benchmarks/tour.py

The run that it makes stays in docs/runs/tour; where it is there already, that one is shown.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import nbformat
import typer
from nbclient import NotebookClient
from traitlets.config import Config

TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"


def main(notebook: Annotated[Path, typer.Argument(help="the notebook")] = TOUR) -> None:
    """Execute and write."""
    tour = nbformat.read(notebook, as_version=4)
    execute(tour, notebook.parent)
    nbformat.write(tour, notebook)


def execute(tour: nbformat.NotebookNode, folder: Path, seconds: float | None = None) -> None:
    """Execute all cells in `folder`, each in so many seconds; outputs go into `tour`. Raises CellExecutionError."""
    with tempfile.TemporaryDirectory() as scratch:  # neither the settings nor the history of whoever calls
        sockets = {"transport": "ipc", "connection_file": f"{scratch}/kernel.json"}  # files: no port is opened
        config = Config(KernelManager=sockets)
        client = NotebookClient(tour, timeout=seconds, record_timing=False, coalesce_streams=True, config=config)
        client.execute(cwd=str(folder), env=os.environ | {"IPYTHONDIR": scratch})


if __name__ == "__main__":
    typer.run(main)

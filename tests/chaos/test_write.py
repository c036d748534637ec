"""A writer that is killed between the data and the rename leaves no part, and nothing in the next one's way."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem
from pyarrow.fs import FSSpecHandler, PyFileSystem

from cluster.store import Store
from generation.parts import write_part
from generation.records import ROW_SCHEMA
from tests.cluster.cases import RUN_ID, add_rows


class DiesAtTheRename(LocalFileSystem):
    """SIGKILLs its own process where a finished file would get its name."""

    def mv(self, path1: str, path2: str, **options: object) -> None:
        assert Path(path1).stat().st_size > 0
        os.kill(os.getpid(), signal.SIGKILL)


def write(folder: str) -> None:
    filesystem = PyFileSystem(FSSpecHandler(DiesAtTheRename(skip_instance_cache=True)))
    write_part(filesystem, f"{folder}/part-e0.parquet", ROW_SCHEMA.empty_table(), RUN_ID)


def test_killed_between_data_and_rename(store: Store) -> None:
    folder = store.folder(0, "generated")
    folder.mkdir(parents=True)
    child = multiprocessing.get_context("spawn").Process(target=write, args=(str(folder),))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert [path.suffix for path in folder.iterdir()] == [".tmp"]  # the data was there
    assert store.parts(0, "generated") == []
    assert store.generated(0).num_rows == 0
    add_rows(store, ["pos-0"], "e0")
    assert [Path(part).name for part in store.parts(0, "generated")] == ["part-e0.parquet"]

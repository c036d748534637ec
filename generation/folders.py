"""Folders that are made: where there is room for one, and whole or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import fs

from generation.location import Location, filesystem_of, path_of


def in_the_way(place: Location) -> str | None:
    """What keeps a new folder from being made at `place`, as the end of a message; None: it is free or empty."""
    system, path = filesystem_of(place), path_of(place)
    if system.get_file_info(path).type == fs.FileType.File:
        return "it is a file"
    held = system.get_file_info(fs.FileSelector(path, allow_not_found=True))
    return f"it holds {min(each.base_name for each in held)!r}" if held else None


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A scratch folder that is renamed to `target` at the end; an error leaves nothing behind.

    Of two writers racing for one target the first wins, and the second's copy is dropped.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    scratch.mkdir()
    try:
        yield scratch
        try:
            scratch.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

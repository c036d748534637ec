"""The checkpoints of a job as Ray Train stores them: folders, and a list of the whole ones that it writes in place.

A full disk or a kill can leave a folder half filled, which the list does not name, or the list half written, at which
Ray Train would stop for good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyarrow import fs

from generation.location import Location, filesystem_of, path_of

LIST_FILE = "checkpoint_manager_snapshot.json"
PREFIX = "checkpoint_"


def mend(place: Location) -> None:
    """Take away what is not whole: folders that the list does not name, or a list that cannot be read."""
    system, path = filesystem_of(place), path_of(place)
    folders = _folders(place)
    if system.get_file_info(f"{path}/{LIST_FILE}").type != fs.FileType.File:
        return
    listed = _listed((place / LIST_FILE).read_bytes())
    if listed is None or not listed <= set(folders):
        system.delete_file(f"{path}/{LIST_FILE}")
        return
    for name in set(folders) - listed:
        system.delete_dir(f"{path}/{name}")


@contextmanager
def newest(place: Location) -> Iterator[Iterator[Path]]:
    """Copies of the folders as they are, whole or not, the newest first; their names tell when they were made."""
    with TemporaryDirectory() as scratch:
        yield (_copy(place, name, Path(scratch) / name) for name in reversed(_folders(place)))


def _listed(data: bytes) -> set[str] | None:
    """The folders that a list names; None of one that is not whole."""
    try:
        return {each["checkpoint_dir_name"] for each in json.loads(data)["checkpoint_results"]}
    except (ValueError, KeyError, TypeError):
        return None


def _folders(place: Location) -> list[str]:
    found = filesystem_of(place).get_file_info(fs.FileSelector(path_of(place), allow_not_found=True))
    names = [each.base_name for each in found if each.type == fs.FileType.Directory]
    return sorted(name for name in names if name.startswith(PREFIX))


def _copy(place: Location, name: str, target: Path) -> Path:
    target.mkdir()
    fs.copy_files(f"{path_of(place)}/{name}", str(target), filesystem_of(place), fs.LocalFileSystem())
    return target

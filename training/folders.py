"""Folders that are either whole or absent, beside the run or on an object store."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from generation.errors import Fault
from generation.folders import whole_folder
from generation.location import Location, ObjectPath
from generation.models import cache_dir
from generation.objectstore import ObjectStore, object_store

COMPLETE = "_complete.json"  # on an object store: written last; digests of all files of the folder


@contextmanager
def atomic_folder(target: Location) -> Iterator[Path]:
    """A scratch folder that becomes `target` at the end; an error leaves nothing behind.

    A local one is renamed (generation/folders.py). On an object store the files are uploaded one by one and then the
    marker COMPLETE, without which they do not count. Raises OSError where the system cannot write.
    """
    if isinstance(target, ObjectPath):
        with tempfile.TemporaryDirectory(prefix="labelmill-") as folder:
            with system_errors(target):
                yield Path(folder)
            _upload(Path(folder), target)
        return
    with whole_folder(target) as scratch, system_errors(target):
        yield scratch


def is_whole(folder: Location) -> bool:
    """Whether `atomic_folder` has finished it."""
    return (folder / COMPLETE).is_file() if isinstance(folder, ObjectPath) else folder.is_dir()


def local_folder(folder: Location) -> Path:
    """The folder itself, or a copy of it in this machine's cache. Raises FileNotFoundError, Fault.

    A copy is named by its content, so that one made earlier serves again.
    """
    if not isinstance(folder, ObjectPath):
        return folder
    marker = (folder / COMPLETE).read_bytes()
    target = cache_dir() / "folders" / hashlib.sha256(marker).hexdigest()[:20]
    if not target.is_dir():
        with atomic_folder(target) as scratch:
            for name, expected in json.loads(marker).items():
                data = (folder / name).read_bytes()
                if hashlib.sha256(data).hexdigest() != expected:
                    raise Fault(f"{folder / name}: is not the file that {COMPLETE} beside it names")
                path = scratch / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    return target


@contextmanager
def system_errors(folder: Location) -> Iterator[None]:
    """safetensors raises an error of its own when the disk is full, with the system's number in its text."""
    try:
        yield
    except SafetensorError as error:
        if (found := re.search(r"\(os error (\d+)\)", str(error))) is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(folder)) from None


def _upload(folder: Path, target: ObjectPath) -> None:
    store = _store_of(target)
    digests = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data, name = path.read_bytes(), path.relative_to(folder).as_posix()
        store.put((target / name).path, data)
        digests[name] = hashlib.sha256(data).hexdigest()
    store.put((target / COMPLETE).path, (json.dumps(digests, indent=1) + "\n").encode())


def _store_of(place: ObjectPath) -> ObjectStore:
    store = object_store(place.filesystem)
    assert store is not None
    return store

"""RUN/index/report.json: what was counted of parts, for a report of the same parts. It can be lost: it is made anew."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from pyarrow import fs

from cluster.store import Store
from generation.location import path_of
from generation.records import digest

FORM = 1  # of what is kept: raise it with every change of `report_summary.as_json`
NAME = "index/report.json"
_FOLDERS = ("rounds", "dataset", "audit")


def kept_or_made(store: Store, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `make` gives as JSON, or gave when the run had the same files: parts are never changed, only added."""
    key = _key(store)
    found = store.read_json(NAME)
    if isinstance(found, dict) and found.get("key") == key:
        return found["value"]
    value = json.loads(json.dumps(make()))
    with contextlib.suppress(OSError):  # it is a help, and a run that cannot be written to may be looked at
        store.write_text(NAME, json.dumps({"key": key, "value": value}) + "\n")
    return value


def _key(store: Store) -> str:
    """Of the names, sizes and times of all that is counted."""
    files = []
    for folder in _FOLDERS:
        selector = fs.FileSelector(path_of(store.root / folder), allow_not_found=True, recursive=True)
        files += [
            (info.path, info.size, info.mtime_ns)
            for info in store.filesystem.get_file_info(selector)
            if info.type == fs.FileType.File and _is_counted(info.path)
        ]
    root = path_of(store.root)
    return digest(FORM, sorted((path.removeprefix(root), size, at) for path, size, at in files))


def _is_counted(path: str) -> bool:
    """Parts, lots and what was decided of them."""
    name = path.rsplit("/", 1)[-1]
    return name.startswith("part-") or "/audit/lot-" in path or name == "released"

"""Where a run's events are kept, line by line."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Protocol

from pyarrow import fs

from generation.location import Location, ObjectPath
from generation.parts import write_bytes


class Log(Protocol):
    """Lines, oldest first. One that was cut short by a kill may be among them."""

    def append(self, line: bytes) -> None: ...

    def lines(self) -> list[str]: ...


def open_log(root: Location) -> Log:
    """The log of a run directory."""
    return LogFile(root / "log.jsonl") if isinstance(root, Path) else LogObjects(root / "log")


class LogFile:
    """One file, appended to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, line: bytes) -> None:
        with self._path.open("ab+") as stream:
            if stream.seek(0, os.SEEK_END):
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # a driver was killed amid a line: it must not swallow ours
                    line = b"\n" + line
            stream.write(line)

    def lines(self) -> list[str]:
        return self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []


class LogObjects:
    """An object a line, since objects cannot be appended to: `log/TIME-DRIVER-NUMBER.jsonl`. Each is read once."""

    def __init__(self, folder: ObjectPath) -> None:
        self._folder, self._known = folder, dict[str, str]()
        self._driver, self._written = secrets.token_hex(4), 0

    def append(self, line: bytes) -> None:
        self._written += 1
        name = f"{int(time.time() * 1000):014d}-{self._driver}-{self._written:06d}.jsonl"
        write_bytes(self._folder.filesystem, (self._folder / name).path, line)
        self._known[name] = line.decode()

    def lines(self) -> list[str]:
        selector = fs.FileSelector(self._folder.path, allow_not_found=True)
        names = sorted(info.base_name for info in self._folder.filesystem.get_file_info(selector))
        for name in names:
            if name not in self._known:
                self._known[name] = (self._folder / name).read_text()
        return [self._known[name].rstrip("\n") for name in names]

"""An object store as a pyarrow filesystem that writes objects whole and is patient with faults."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pyarrow as pa
from pyarrow import fs

from generation.errors import Fault, UserError

PATIENCE_SECONDS = 60.0  # that a store may be away before a run stops; LABELMILL_STORE_PATIENCE changes it
_SIDE_BY_SIDE = 16
_WAITS = (0.25, 0.5, 1.0, 2.0, 4.0)  # between tries; the last one is repeated
# what no second try mends; S3 answers a HEAD without a body, so that only the status tells
_REFUSED = re.compile(
    r"NO_SUCH_BUCKET|ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_CLIENT_TOKEN_ID"
    r"|MISSING_AUTHENTICATION_TOKEN|EXPIRED_TOKEN|ExpiredToken|HTTP status 40[13]|HTTP response code: 40[13]"
)
_NOISE = re.compile(r"\s*\(Request ID: [^)]*\)|; Details: .*|Detail: \[errno.*", re.DOTALL)

T = TypeVar("T")


class ObjectStore(fs.FileSystemHandler):
    """Handler of a `pyarrow.fs.PyFileSystem` around one of pyarrow's own; `name` is for messages, as in s3://bucket.

    An object appears under its key at once and whole, or not at all: what is written is collected in memory and sent
    when the stream is closed. Every call is tried again for `patience` seconds (503, a lost connection, a time-out);
    after that it raises a Fault. What trying cannot mend (no such bucket, access denied) is a UserError at once.
    """

    def __init__(self, base: fs.FileSystem, name: str, patience: float | None = None) -> None:
        self._base, self._name = base, name
        wanted = os.environ.get("LABELMILL_STORE_PATIENCE", PATIENCE_SECONDS) if patience is None else patience
        self._patience = float(wanted)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectStore) and (self._base, self._name) == (other._base, other._name)

    def __hash__(self) -> int:
        return hash(self._name)

    # what parts.py calls

    def get(self, path: str) -> pa.Buffer:
        """All bytes of an object. Raises FileNotFoundError."""

        def read() -> pa.Buffer:
            with self._base.open_input_file(path) as file:
                return file.read_buffer()

        return self._patiently("read", path, read)

    def get_each(self, paths: Sequence[str]) -> Iterator[pa.Buffer]:
        """Several objects in order, some of them fetched side by side."""
        for start in range(0, len(paths), _SIDE_BY_SIDE):
            some = paths[start : start + _SIDE_BY_SIDE]
            with ThreadPoolExecutor(len(some)) as pool:
                yield from list(pool.map(self.get, some))

    def put(self, path: str, data: bytes | pa.Buffer) -> None:
        """Put an object, replacing one of that key.

        In a thread of its own: an interrupt between the opening of pyarrow's stream and its one write would close the
        stream, and with that publish an empty object.
        """

        def write() -> None:
            with self._base.open_output_stream(path) as stream:
                stream.write(data)

        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._patiently, "written to", path, write).result()

    # what pyarrow calls

    def get_type_name(self) -> str:
        return "objects"

    def normalize_path(self, path: str) -> str:
        return self._base.normalize_path(path)

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        return self._patiently("read", paths[0], lambda: self._base.get_file_info(paths))

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        return self._patiently("listed", selector.base_dir, lambda: self._base.get_file_info(selector))

    def create_dir(self, path: str, recursive: bool) -> None:
        """Nothing: a key needs no folder."""

    def delete_dir(self, path: str) -> None:
        self._patiently("deleted", path, lambda: self._base.delete_dir(path))

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        self._patiently("deleted", path, lambda: self._base.delete_dir_contents(path, missing_dir_ok=missing_dir_ok))

    def delete_root_dir_contents(self) -> None:
        raise NotImplementedError("a whole store is not emptied")

    def delete_file(self, path: str) -> None:
        self._patiently("deleted", path, lambda: self._base.delete_file(path))

    def move(self, src: str, dest: str) -> None:
        raise NotImplementedError("an object store cannot rename")

    def copy_file(self, src: str, dest: str) -> None:
        self._patiently("copied", src, lambda: self._base.copy_file(src, dest))

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return pa.BufferReader(self.get(path))

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.BufferReader(self.get(path))

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        return pa.PythonFile(_Sink(self, path), mode="w")

    def open_append_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        raise NotImplementedError("an object cannot be appended to")

    def _patiently(self, done: str, path: str, work: Callable[[], T]) -> T:
        deadline, tries = time.monotonic() + self._patience, 0
        while True:
            try:
                return work()
            except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError):
                raise
            except OSError as error:
                line = f"{self._name}: {path} cannot be {done}: {_cause(error)}"
                if _REFUSED.search(str(error)):
                    raise UserError(line) from None
                wait = _WAITS[min(tries, len(_WAITS) - 1)]
                tries += 1
                if time.monotonic() + wait > deadline:
                    raise Fault(f"{line} ({tries} tries)") from None
                time.sleep(wait)


class _Sink(io.BytesIO):
    """Collects what is written, and puts it when closed."""

    def __init__(self, store: ObjectStore, path: str) -> None:
        super().__init__()
        self._store, self._path = store, path

    def close(self) -> None:
        if not self.closed:
            data = self.getvalue()
            super().close()
            self._store.put(self._path, data)


def object_store(filesystem: fs.FileSystem) -> ObjectStore | None:
    """The object store behind a filesystem; None for one that can rename."""
    handler = filesystem.handler if isinstance(filesystem, fs.PyFileSystem) else None
    return handler if isinstance(handler, ObjectStore) else None


def _cause(error: OSError) -> str:
    return " ".join(_NOISE.sub("", str(error)).split())[:300]

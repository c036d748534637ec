"""Objects are whole or absent, and a store may fail for a while. Faults are made by a proxy before a real server."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
from pyarrow import fs

from generation.errors import Fault, UserError
from generation.location import ObjectPath, locate
from generation.objectstore import ObjectStore, object_store
from generation.parts import list_parts, read_batches, read_parts, write_bytes, write_part
from generation.records import ROW_SCHEMA, rows_table
from tests.s3 import BUCKET, Proxy, free_port, uri

ROWS = rows_table([{"id": "a", "text": "naïve", "seed_ids": ["s"], "attributes": {}, "sampling": {"min_p": 0.05}}])
LARGE = bytes(range(256)) * 80_000  # 20 MB: two parts of a multipart upload


def store_at(port: int, patience: float = 30.0) -> tuple[ObjectStore, str]:
    """A store, and a key in it that nobody else uses."""
    base, path = fs.FileSystem.from_uri(uri(port, uuid4().hex) + "&allow_delayed_open=true")
    return ObjectStore(base, f"s3://{BUCKET}", patience), f"{path}/object"


@pytest.mark.parametrize(
    "faults", [["503", "503"], ["reset"], ["lost"], [2.0], ["lost", "503", "reset"]], ids=lambda faults: str(faults)
)
def test_faults_pass(proxy: Proxy, s3: int, faults: list[str | float]) -> None:
    store, path = store_at(proxy.port)
    proxy.faults = [("PUT", fault) for fault in faults]
    store.put(path, b"x" * 1000)
    assert proxy.faults == []
    assert proxy.seen == ["PUT"] * (len(faults) + (faults != [2.0]))
    proxy.faults = [("GET", fault) for fault in faults]
    assert store.get(path).to_pybytes() == b"x" * 1000
    assert proxy.faults == []


def test_a_large_object_is_put_in_parts_that_are_tried_again(proxy: Proxy) -> None:
    store, path = store_at(proxy.port)
    proxy.faults = [("PUT", "503"), ("PUT", "reset"), ("POST", "503")]
    store.put(path, LARGE)
    assert proxy.faults == []
    assert store.get(path).to_pybytes() == LARGE


def test_a_small_object_takes_one_request(proxy: Proxy) -> None:
    place = locate(uri(proxy.port, uuid4().hex))
    assert isinstance(place, ObjectPath)
    write_bytes(place.filesystem, place.path, b"x")
    assert proxy.seen == ["PUT"]


def test_a_store_that_stays_away_is_a_fault() -> None:
    port = free_port()
    store, path = store_at(port, patience=0.1)
    with pytest.raises(Fault) as caught:
        store.put(path, b"x")
    assert str(caught.value).startswith(f"s3://{BUCKET}: {path} cannot be written to: ")
    assert "AWS Error NETWORK_CONNECTION" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_refusal_is_the_users_at_once(proxy: Proxy, method: str) -> None:
    store, path = store_at(proxy.port)
    store.put(path, b"x" * 1000)
    proxy.faults = [(method, "403")]
    began = time.monotonic()
    with pytest.raises(UserError, match="AWS Error ACCESS_DENIED") as caught:
        store.put(path, b"y") if method == "PUT" else store.get(path)
    assert time.monotonic() - began < 25  # not its 30 s of patience
    assert str(caught.value).startswith(f"s3://{BUCKET}: {path} cannot be ")
    assert store.get(path).to_pybytes() == b"x" * 1000


def test_no_such_bucket(s3: int) -> None:
    base, _ = fs.FileSystem.from_uri(uri(s3, "run", bucket="none"))
    with pytest.raises(UserError, match=r"s3://none: none/run cannot be written to: .* NO_SUCH_BUCKET"):
        ObjectStore(base, "s3://none").put("none/run", b"x")


def test_what_is_not_there(prefix: ObjectPath) -> None:
    store = object_store(prefix.filesystem)
    assert store is not None
    with pytest.raises(FileNotFoundError):
        store.get(prefix.path)
    assert list_parts(prefix.filesystem, prefix.path) == []
    with pytest.raises(FileNotFoundError):
        prefix.read_text()
    assert not prefix.is_file()


PUT = """
import sys
from generation.location import locate
from generation.parts import write_bytes
place = locate(sys.argv[1])
print("putting", flush=True)
write_bytes(place.filesystem, place.path, bytes(int(sys.argv[2])))
"""


@pytest.mark.parametrize("size", [1000, 20_000_000], ids=["one request", "several parts"])
def test_a_writer_killed_amid_a_put_leaves_nothing(proxy: Proxy, s3: int, size: int) -> None:
    name = uuid4().hex
    proxy.faults = [("PUT", 60.0)] * 2
    process = subprocess.Popen(
        [sys.executable, "-c", PUT, uri(proxy.port, name), str(size)], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    try:
        deadline = time.monotonic() + 300
        while len(proxy.faults) == 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert not locate(uri(s3, name)).is_file()


def test_an_interrupt_amid_a_put_tears_nothing(proxy: Proxy, s3: int) -> None:
    store, path = store_at(proxy.port)
    proxy.faults = [("PUT", 1.0)]
    # a shell may have started us with the signal ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            store.put(path, b"x" * 1000)
    finally:
        signal.signal(signal.SIGINT, before)
    assert store.get(path).to_pybytes() == b"x" * 1000


def test_parts(prefix: ObjectPath) -> None:
    path = (prefix / "part-0.parquet").path
    size = write_part(prefix.filesystem, path, ROWS, "run-1")
    assert prefix.filesystem.get_file_info(path).size == size
    assert list_parts(prefix.filesystem, prefix.path) == [path]
    assert read_parts(prefix.filesystem, [path, path], ROW_SCHEMA, ["text"])["text"].to_pylist() == ["naïve"] * 2
    assert [batch.to_pydict() for batch in read_batches(prefix.filesystem, path, ROW_SCHEMA, ["id"])] == [{"id": ["a"]}]
    with pytest.raises(FileExistsError):
        write_part(prefix.filesystem, path, ROWS, "run-1")


def test_a_filesystem_for_others(prefix: ObjectPath, tmp_path: Path) -> None:
    """Ray Train copies checkpoints with pyarrow, in other processes."""
    filesystem = pickle.loads(pickle.dumps(prefix.filesystem))
    assert filesystem == prefix.filesystem
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(LARGE)
    filesystem.create_dir(prefix.path)
    fs.copy_files(str(tmp_path / "in"), prefix.path, destination_filesystem=filesystem)
    (tmp_path / "out").mkdir()
    fs.copy_files(prefix.path, str(tmp_path / "out"), source_filesystem=filesystem)
    assert (tmp_path / "out" / "file").read_bytes() == LARGE
    with filesystem.open_output_stream((prefix / "empty").path):
        pass
    assert filesystem.get_file_info((prefix / "empty").path).size == 0
    filesystem.delete_dir(prefix.path)
    assert filesystem.get_file_info(fs.FileSelector(prefix.path, allow_not_found=True)) == []


def test_a_local_filesystem_is_no_object_store() -> None:
    assert object_store(fs.LocalFileSystem()) is None
    assert object_store(fs.SubTreeFileSystem("/tmp", fs.LocalFileSystem())) is None

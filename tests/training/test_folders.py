import hashlib
import json
import resource
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from generation.errors import Fault, UserError
from generation.location import ObjectPath
from generation.objectstore import object_store
from tests.s3 import Proxy
from training.folders import COMPLETE, atomic_folder, is_whole, local_folder


def test_appears_whole(tmp_path: Path):
    with atomic_folder(tmp_path / "a" / "b") as scratch:
        (scratch / "file").write_text("x")
        assert not (tmp_path / "a" / "b").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b" / "file").read_text() == "x"


def test_an_error_leaves_nothing(tmp_path: Path):
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "a") as scratch:
        (scratch / "file").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_weights_that_the_system_does_not_write(tmp_path: Path):
    """A limit on a file's size stands for a full disk: both come as a number in safetensors' own error."""
    target, (soft, hard) = tmp_path / "student", resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OSError, match=f"File too large: '{target}'"), atomic_folder(target) as scratch:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
            save_file({"weight": np.zeros(1000)}, scratch / "model.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_writers_wins(tmp_path: Path):
    with atomic_folder(tmp_path / "a") as late, atomic_folder(tmp_path / "a") as early:
        (early / "who").write_text("early")
        (late / "who").write_text("late")
    assert (tmp_path / "a" / "who").read_text() == "early"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def put(place: ObjectPath, data: bytes) -> None:
    store = object_store(place.filesystem)
    assert store is not None
    store.put(place.path, data)


def test_a_local_folder_is_its_own_copy(tmp_path: Path):
    with atomic_folder(tmp_path / "a"):
        assert not is_whole(tmp_path / "a")
    assert is_whole(tmp_path / "a")
    assert local_folder(tmp_path / "a") == tmp_path / "a"


def test_on_an_object_store(prefix: ObjectPath):
    with atomic_folder(prefix) as scratch:
        (scratch / "file").write_text("x")
        (scratch / "deep").mkdir()
        (scratch / "deep" / "file").write_text("y")
        assert not (prefix / "file").is_file()
    assert is_whole(prefix)
    assert json.loads((prefix / COMPLETE).read_text()) == {
        "deep/file": hashlib.sha256(b"y").hexdigest(),
        "file": hashlib.sha256(b"x").hexdigest(),
    }
    copy = local_folder(prefix)
    assert {str(path.relative_to(copy)): path.read_text() for path in copy.rglob("*") if path.is_file()} == {
        "file": "x",
        "deep/file": "y",
    }
    assert local_folder(prefix) == copy


def test_an_error_uploads_nothing(prefix: ObjectPath):
    with pytest.raises(RuntimeError), atomic_folder(prefix) as scratch:
        (scratch / "file").write_text("x")
        raise RuntimeError
    assert not (prefix / "file").is_file()


def test_an_upload_cut_short_does_not_count_and_is_done_again(proxy: Proxy, prefix: ObjectPath):
    port = prefix.query.partition("127.0.0.1:")[2].partition("&")[0]
    through = ObjectPath(prefix.bucket, prefix.key, prefix.query.replace(port, str(proxy.port)))
    proxy.faults = [("PUT", 0.0), ("PUT", "403")]
    with pytest.raises(UserError, match="ACCESS_DENIED"), atomic_folder(through) as scratch:
        (scratch / "a").write_text("old")
        (scratch / "b").write_text("old")
    assert ((prefix / "a").read_text(), (prefix / "b").is_file(), is_whole(prefix)) == ("old", False, False)
    with pytest.raises(FileNotFoundError):
        local_folder(prefix)
    with atomic_folder(prefix) as scratch:
        (scratch / "a").write_text("new")
    assert (local_folder(prefix) / "a").read_text() == "new"


def test_files_of_another_upload_are_noticed(prefix: ObjectPath):
    with atomic_folder(prefix) as scratch:
        (scratch / "file").write_text(prefix.key)
    put(prefix / "file", b"another")
    with pytest.raises(Fault) as caught:
        local_folder(prefix)
    assert str(caught.value) == f"{prefix}/file: is not the file that {COMPLETE} beside it names"

"""Model folders from elsewhere, fetched once per machine: `hf://OWNER/NAME@REVISION`, or any URI that pyarrow reads."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generation.errors import UserError
from generation.folders import whole_folder
from generation.location import check_uri

HUB = "hf://"
# weights in safetensors alone: other formats can hold code
WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")


def is_remote(name: str) -> bool:
    """Whether a model's name is a URI."""
    return "://" in name


def fetch_model(uri: str, field: str, cache: Path) -> Path:
    """The model's folder on this machine. Raises UserError naming `field`. What lies at a URI must not change."""
    if uri.startswith(HUB):
        return _from_hub(uri.removeprefix(HUB), field)
    try:
        check_uri(uri)  # it is stored and printed
    except UserError as error:
        raise UserError(f"{field}: {error}") from None
    target = cache / hashlib.sha256(uri.encode()).hexdigest()[:16]
    with locked(target.with_suffix(".lock")):
        if not target.is_dir():
            _copy(uri, target, field)
    return target


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process of this machine at a time; the others wait. The kernel frees it with its holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing would not do: a process forked meanwhile has the file open too


def _copy(uri: str, target: Path, field: str) -> None:
    import pyarrow as pa
    from pyarrow import fs

    here = fs.LocalFileSystem()
    try:
        source, path = fs.FileSystem.from_uri(uri)  # as a stream: weights need not fit into memory
        with whole_folder(target) as scratch:
            for found in source.get_file_info(fs.FileSelector(path)):
                if found.is_file and any(Path(found.path).match(pattern) for pattern in WANTED):
                    there = str(scratch / found.base_name)
                    fs.copy_files(found.path, there, source_filesystem=source, destination_filesystem=here)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{field}: {uri!r} cannot be read: {' '.join(str(error).split())[:300]}") from None


def _from_hub(name: str, field: str) -> Path:
    """From the hub's cache on this machine, or with HF_HUB_OFFLINE=0 from the hub itself."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(WANTED)))
    except LocalEntryNotFoundError:
        online = os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("0", "false", "no", "off", "")
        reason = "the hub cannot be reached" if online else "set HF_HUB_OFFLINE=0 to download it"
        raise UserError(f"{field}: {HUB}{name} is not in the hub's cache on this machine; {reason}") from None
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(f"{field}: {HUB}{name} cannot be read: {' '.join(str(error).split())[:300]}") from None

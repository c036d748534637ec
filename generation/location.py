"""Where a run directory lies: a local folder, or a prefix on an object store."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
from pyarrow import fs

from generation.errors import UserError
from generation.objectstore import ObjectStore, object_store

_SECRETS = ("key", "secret", "token", "password", "sig")


@dataclass(frozen=True)
class ObjectPath:
    """A key or prefix, with those methods of `pathlib.Path` that are used on run directories.

    `bucket` is the URI up to the bucket, such as s3://bucket; `query` holds pyarrow's options (region, endpoint). Holds
    no credentials and no connection, so that it can be stored, printed and sent to other hosts.
    """

    bucket: str
    key: str
    query: str = ""

    def __truediv__(self, name: str) -> ObjectPath:
        return ObjectPath(self.bucket, "/".join(filter(None, (self.key, name.strip("/")))), self.query)

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}"

    @property
    def uri(self) -> str:
        """All that is needed to open it elsewhere."""
        return f"{self}?{self.query}" if self.query else str(self)

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def filesystem(self) -> fs.FileSystem:
        return _connect(self.bucket, self.query)[0]

    @property
    def path(self) -> str:
        """Its path in `filesystem`."""
        return f"{_connect(self.bucket, self.query)[1]}/{self.key}"

    def is_file(self) -> bool:
        return self.filesystem.get_file_info(self.path).type == fs.FileType.File

    def read_bytes(self) -> bytes:
        store = object_store(self.filesystem)
        assert store is not None
        return store.get(self.path).to_pybytes()

    def read_text(self) -> str:
        return self.read_bytes().decode()


Location = Path | ObjectPath


def locate(root: Location | str) -> Location:
    """A folder's absolute path, or the place that a URI names. Raises UserError.

    Credentials do not belong into a URI, which is printed and stored: they come from the environment.
    """
    if isinstance(root, ObjectPath):
        return root
    if "://" not in str(root) or isinstance(root, Path):
        return Path(root).resolve()
    parts, shown = urlsplit(root), check_uri(root)
    if parts.scheme == "file":
        return Path(parts.path).resolve()
    if not parts.netloc or not parts.path.strip("/"):
        raise UserError(f"{shown}: must name a bucket and a prefix, as in s3://bucket/run")
    place = ObjectPath(f"{parts.scheme}://{parts.netloc}", parts.path.strip("/"), parts.query)
    try:
        _ = place.filesystem
    except (pa.ArrowException, ValueError, OSError) as error:
        raise UserError(f"{shown}: cannot be opened: {' '.join(str(error).split())}") from None
    return place


def check_uri(uri: str) -> str:
    """A URI as it may be shown. Raises UserError where it holds credentials."""
    parts = urlsplit(uri)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if ":" in parts.netloc.rpartition("@")[0] or (parts.scheme in ("s3", "gs") and "@" in parts.netloc):
        raise UserError(f"{shown}: must hold no credentials; set them in the environment (AWS_ACCESS_KEY_ID, ...)")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if any(word in name.lower() for word in _SECRETS):
            raise UserError(f"{shown}: must hold no credentials, got {name!r}; set them in the environment")
    return shown


def filesystem_of(place: Location) -> fs.FileSystem:
    """The filesystem on which a place lies."""
    return place.filesystem if isinstance(place, ObjectPath) else fs.LocalFileSystem()


def path_of(place: Location) -> str:
    """Its path in that filesystem."""
    return place.path if isinstance(place, ObjectPath) else str(place)


def address_of(place: Location) -> str:
    """What `locate` takes on another host to find it again."""
    return place.uri if isinstance(place, ObjectPath) else str(place)


@functools.cache
def _connect(bucket: str, query: str) -> tuple[fs.FileSystem, str]:
    """The filesystem, and the bucket's path in it."""
    if bucket.startswith("s3:") and "allow_delayed_open" not in query:
        query = "&".join(filter(None, (query, "allow_delayed_open=true")))  # one request for a small object, not three
    base, path = fs.FileSystem.from_uri(f"{bucket}/?{query}" if query else f"{bucket}/")
    return fs.PyFileSystem(ObjectStore(base, bucket)), path.rstrip("/")


def near(path: Location) -> str:
    """For the eye: a path as seen from here if it lies below, else in full; the URI of an object."""
    if isinstance(path, ObjectPath):
        return path.uri
    full = path.absolute()
    return str(full.relative_to(Path.cwd()) if full.is_relative_to(Path.cwd()) else full)

"""A run lies in a folder or at a URI, and credentials lie in neither."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from generation.errors import UserError
from generation.location import ObjectPath, address_of, locate, near, path_of


@pytest.mark.parametrize("given", ["a/run", Path("a/run"), f"file://{Path.cwd()}/a/run"])
def test_folders(given: str | Path) -> None:
    assert locate(given) == Path.cwd() / "a" / "run"
    assert address_of(locate(given)) == path_of(locate(given)) == f"{Path.cwd()}/a/run"


def test_a_uri() -> None:
    place = locate("s3://bucket/a/run/?region=us-east-1&scheme=http")
    assert place == ObjectPath("s3://bucket", "a/run", "region=us-east-1&scheme=http")
    assert str(place) == "s3://bucket/a/run"
    assert address_of(place) == "s3://bucket/a/run?region=us-east-1&scheme=http"
    assert path_of(place / "rounds" / "000" / "") == "bucket/a/run/rounds/000"
    assert ((place / "rounds").name, str(place / "x.json")) == ("rounds", "s3://bucket/a/run/x.json")
    assert locate(place) is place
    assert locate(address_of(place)) == pickle.loads(pickle.dumps(place)) == place


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("s3://AKIA:hush@bucket/run", "s3://bucket/run: must hold no credentials; set them in the environment"),
        ("s3://AKIA@bucket/run", "s3://bucket/run: must hold no credentials; set them in the environment"),
        ("s3://bucket/run?secret_key=hush", "s3://bucket/run: must hold no credentials, got 'secret_key'; set them"),
        ("abfs://c@a.net/run?sas_token=hush", "abfs://a.net/run: must hold no credentials, got 'sas_token'; set them"),
        ("s3://bucket", "s3://bucket: must name a bucket and a prefix, as in s3://bucket/run"),
        ("s3:///run", "s3:///run: must name a bucket and a prefix, as in s3://bucket/run"),
        ("s9://bucket/run", "s9://bucket/run: cannot be opened: Unrecognized filesystem type in URI"),
        (
            "s3://bucket/run?colour=1",
            "s3://bucket/run: cannot be opened: Unexpected query parameter in S3 URI",
        ),
    ],
)
def test_mistakes(given: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        locate(given)
    assert str(caught.value).startswith(expected)
    assert "hush" not in str(caught.value)


def test_near_is_short_for_what_lies_below() -> None:
    here = Path.cwd()
    assert near(here / "runs" / "a") == near(Path("runs/a")) == "runs/a"
    assert near(here.parent / "b") == str(here.parent / "b")
    assert near(ObjectPath("s3://bucket", "a", "region=x")) == "s3://bucket/a?region=x"

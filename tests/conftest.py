from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from generation.location import Location, locate
from generation.threads import PATIENT_THREADS
from tests.chaos.driver import TINY
from tests.chaos.story import Story, live_through
from tests.s3 import ENVIRONMENT, Proxy, serve_s3, uri

os.environ.update(ENVIRONMENT | PATIENT_THREADS)  # before any Ray session, whose workers inherit it, and torch

if TYPE_CHECKING:
    from tests.generation.adapters.cases import Sealed


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several workers, the tests of a file stay with one of them, and all whole runs with the first.

    Each is a Ray of many processes by itself: two at once on two cores keep each other from the processor. Some share
    the story, too.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "whole runs" if _is_whole_run(Path(file)) else file

    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers, whole runs come first: one of them has nothing else to do for long."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not _is_whole_run(item.path))


def _is_whole_run(path: Path) -> bool:
    return path.parent.name in ("chaos", "tests")


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The run of tests/chaos, finished in spite of everything; its task is a copy that tests may change."""
    folder = tmp_path_factory.mktemp("story")
    shutil.copytree(TINY.parent, folder / "task")
    return live_through(folder / "run", folder / "task" / TINY.name)


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A Ray of our own, shared by the tests that need one."""
    from cluster.config import RuntimeSettings
    from cluster.session import ray_session

    with ray_session(RuntimeSettings(), num_cpus=4):
        yield


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """A tiny base model with a LoRA and a soft prompt for it."""
    from tests.generation.adapters.cases import make_sealed  # loads torch, which most tests do without

    return make_sealed(tmp_path_factory.mktemp("adapters"))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an S3 server."""
    with serve_s3(tmp_path_factory.mktemp("s3")) as port:
        yield port


@pytest.fixture
def proxy(s3: int) -> Iterator[Proxy]:
    """A proxy before the S3 server."""
    made = Proxy(s3)
    yield made
    made.close()


@pytest.fixture
def prefix(s3: int) -> Location:
    """A prefix on the S3 server that nobody else uses."""
    return locate(uri(s3, uuid4().hex))

from __future__ import annotations

import shutil

import pytest

from tests.chaos.driver import TINY
from tests.chaos.story import Story, live_through


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The run of tests/chaos, finished in spite of everything; its task is a copy that tests may change."""
    folder = tmp_path_factory.mktemp("story")
    shutil.copytree(TINY.parent, folder / "task")
    return live_through(folder / "run", folder / "task" / TINY.name)

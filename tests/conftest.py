from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.chaos.driver import TINY
from tests.chaos.story import Story, live_through

if TYPE_CHECKING:
    from tests.generation.adapters.cases import Sealed


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The run of tests/chaos, finished in spite of everything; its task is a copy that tests may change."""
    folder = tmp_path_factory.mktemp("story")
    shutil.copytree(TINY.parent, folder / "task")
    return live_through(folder / "run", folder / "task" / TINY.name)


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """A tiny base model with a LoRA and a soft prompt for it."""
    from tests.generation.adapters.cases import make_sealed  # loads torch, which most tests do without

    return make_sealed(tmp_path_factory.mktemp("adapters"))

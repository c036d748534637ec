"""An empty run directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.store import Store


@pytest.fixture(params=["folder", "object store"])
def any_store(request: pytest.FixtureRequest) -> Store:
    """An empty run directory of either kind."""
    if request.param == "folder":
        return request.getfixturevalue("store")
    return Store(request.getfixturevalue("prefix"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "run").mkdir()
    return Store(tmp_path / "run")

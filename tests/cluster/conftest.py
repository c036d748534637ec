"""An empty run directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "run").mkdir()
    return Store(tmp_path / "run")

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.adapters.cases import make_scribe


@pytest.fixture(scope="session")
def scribe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny causal LM that training can use."""
    return make_scribe(tmp_path_factory.mktemp("scribe") / "model")

"""One model folder for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generation.cases import make_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "words")

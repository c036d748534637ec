"""An empty run directory."""

from tests.cluster.conftest import store

__all__ = ["store"]
